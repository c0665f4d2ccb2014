"""Train a small Llama on text in which a word follows from the two before it.

    python small_model.py

writes the model to model/ and text that it has not seen to text.txt, in about a minute.
"""

import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WORDS, WINDOW, STEPS = 16, 64, 600

rng = np.random.default_rng(0)
follower = rng.integers(WORDS, size=(WORDS, WORDS))
text = [0, 1]
while len(text) < 60_000:
    surprise = rng.random() < 0.1
    text.append(rng.integers(WORDS) if surprise else follower[text[-2], text[-1]])
train = torch.tensor(np.array(text[:50_000]))

torch.manual_seed(0)
torch.set_num_threads(1)
model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=WORDS,
        hidden_size=32,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=128,
        bos_token_id=None,
        eos_token_id=None,
    )
)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=STEPS)
for _ in range(STEPS):
    starts = torch.randint(len(train) - WINDOW, (16,))
    windows = torch.stack([train[start : start + WINDOW] for start in starts])
    loss = model(windows, labels=windows).loss
    loss.backward()
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()

words = Tokenizer(WordLevel({f"w{word}": word for word in range(WORDS)}, unk_token="w0"))
words.pre_tokenizer = Whitespace()
PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained("model")
model.save_pretrained("model")
with open("text.txt", "w") as file:
    file.write(" ".join(f"w{word}" for word in text[50_000:]))
print(f"perplexity at the end of training: {loss.exp():.2f}")
