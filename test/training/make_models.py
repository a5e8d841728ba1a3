"""Makes the models that the training tests use: `make_models.py FOLDER`.

Random weights from a config and a tokenizer trained on the spot: nothing is downloaded. They land in
FOLDER/models/OWNER/NAME as a hub would hold them. Weights are larger than usual (initializer_range), so that an
adapter of a frozen tiny model has something to work with.
"""
import os
import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast, Qwen3Config

VOCABULARY = 320
SHAPE = dict(vocab_size=VOCABULARY, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
             num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, initializer_range=0.1,
             bos_token_id=0, eos_token_id=1, pad_token_id=2, tie_word_embeddings=False)
TEMPLATE = ("{% for message in messages %}<|{{ message['role'] }}|>{% if message['role'] == 'assistant' %}"
            "{% generation %}{{ message['content'] }}{{ eos_token }}{% endgeneration %}{% else %}"
            "{{ message['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
            "{% if add_generation_prompt %}<|assistant|>{% endif %}")
CORPUS = ["row %d: the quick brown fox jumps over the lazy dog" % i for i in range(200)]


def make_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<s>", "</s>", "<pad>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
                                   model_max_length=512)
    fast.chat_template = TEMPLATE
    return fast


def main(folder):
    tokenizer = make_tokenizer()
    for name, config in (("tiny/llama", LlamaConfig(**SHAPE)), ("tiny/qwen", Qwen3Config(head_dim=16, **SHAPE)),
                         ("gated/llama", LlamaConfig(**SHAPE))):
        path = os.path.join(folder, "models", name)
        torch.manual_seed(7)
        AutoModelForCausalLM.from_config(config).save_pretrained(path)
        tokenizer.save_pretrained(path)


main(sys.argv[1])
