"""The study of docs/do/study.md: its sweep, and what that needs beside it."""
