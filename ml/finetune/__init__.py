"""Fine-tuning of models on the arrays with Hugging Face's Trainer: ``gaincell finetune``."""
