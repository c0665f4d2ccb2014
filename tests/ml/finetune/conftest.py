"""What the tests of fine-tuning share: models, texts, and runs that many tests only look at."""

import shutil

import pytest
from finetune_runs import finetune, make_folder, stopped


@pytest.fixture(scope="session")
def material(tmp_path_factory):
    """A folder with the models, the text and the head; not to be changed."""
    folder = tmp_path_factory.mktemp("material")
    make_folder(folder)
    return folder


@pytest.fixture
def in_a_folder(material, tmp_path, monkeypatch):
    """A copy of ``material`` as the present folder."""
    shutil.copytree(material, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _ran(material, folder, run):
    """``folder`` as a copy of ``material`` in which ``run`` was called."""
    shutil.copytree(material, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run(patch)
    return folder


@pytest.fixture(scope="session")
def whole(material, tmp_path_factory):
    """A folder in which run.toml as it is by default ran to its end; not to be changed."""

    def run(_):
        assert finetune() == 0

    return _ran(material, tmp_path_factory.mktemp("whole"), run)


@pytest.fixture(scope="session")
def halted(material, tmp_path_factory):
    """A folder in which the same run was told to stop in its third step; not to be changed."""
    return _ran(material, tmp_path_factory.mktemp("halted"), lambda patch: stopped(patch))
