"""Makes a tiny model of random weights that vLLM can serve on a CPU: model.py DIRECTORY LAYERS.

Every token that it says is text of its own, so that each one shows in a stream: lm_head is zero for the rest, bytes that are
half a letter and the special tokens, and among hundreds of random values the largest is never zero. It never ends by
itself. head_dim is 32, for vLLM's CPU attention has no 16; four heads can be cut four ways.
"""
import sys

import tokenizers
import torch
import transformers

TEXT = "the quick brown fox jumps over a lazy dog while seven small owls watch from an old oak and count every star"
SPECIAL = ["<unk>", "<s>", "</s>", "<|user|>", "<|assistant|>"]
TEMPLATE = "{% for m in messages %}<|user|>{{ m['content'] }}{% endfor %}<|assistant|>"
LENGTH = 8192  # tokens, twice what the recipes ask for


def tokenizer():
    byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok = tokenizers.Tokenizer(tokenizers.models.BPE())
    tok.pre_tokenizer, tok.decoder = byte_level, tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=400, special_tokens=SPECIAL, initial_alphabet=byte_level.alphabet(), show_progress=False)
    tok.train_from_iterator([TEXT] * 50, trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tok, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>",
                                                model_max_length=LENGTH, chat_template=TEMPLATE)


def mute(model, tok):
    """Takes from the model every token that is no printed text."""
    with torch.no_grad():
        for k in range(len(tok)):
            text = tok.decode([k])
            if not (text.isascii() and text.isprintable()) or k in tok.all_special_ids or tok.convert_ids_to_tokens(k) in SPECIAL:
                model.lm_head.weight[k] = 0


def main():
    directory, layers = sys.argv[1], int(sys.argv[2])
    torch.manual_seed(1)
    tok = tokenizer()
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=len(tok), hidden_size=128, intermediate_size=256, num_hidden_layers=layers, num_attention_heads=4, num_key_value_heads=4,
        head_dim=32, max_position_embeddings=LENGTH, bos_token_id=1, eos_token_id=2, pad_token_id=2, tie_word_embeddings=False))
    mute(model, tok)
    model.to(torch.bfloat16).save_pretrained(directory, safe_serialization=True)
    tok.save_pretrained(directory)


main()
