"""Models of two layers and random weights, with a tokenizer of a few words: real code, no download."""

from pathlib import Path
from typing import Literal

WORDS = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", *"abcdefgh", "user", "assistant", ":")
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }} : {{ m['content'] }} [SEP] {% endfor %}"
    "{% if add_generation_prompt %}assistant : {% endif %}"
)


def small_model(folder: Path, kind: Literal["encoder", "causal"], seed: int = 0) -> Path:
    """Write a BERT that puts [CLS] and [SEP] around a text, or a Llama that puts nothing there."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if kind == "encoder":
        ends = [(word, words[word]) for word in ("[CLS]", "[SEP]")]
        tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]")
    if kind == "causal":
        fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(seed)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    shape = {"vocab_size": len(words), "max_position_embeddings": 64, **sizes}
    # Weights large enough that likelihoods differ.
    if kind == "encoder":
        BertModel(BertConfig(**shape)).save_pretrained(folder)
    else:
        LlamaForCausalLM(LlamaConfig(initializer_range=0.5, **shape)).save_pretrained(folder)
    return folder
