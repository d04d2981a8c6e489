# A byte-level BPE of 512 tokens, so that clients which insist on a tokenizer have one without a download.
import json, sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

t = Tokenizer(models.BPE())
t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
t.decoder = decoders.ByteLevel()
t.train_from_iterator(
    ["the quick brown fox jumps over a lazy dog while seven small owls watch from an old oak and count every star"] * 50,
    trainers.BpeTrainer(vocab_size=512, special_tokens=["<unk>", "<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
PreTrainedTokenizerFast(
    tokenizer_object=t, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>", model_max_length=4096,
    chat_template="{% for m in messages %}{{ m['content'] }}{% endfor %}").save_pretrained(sys.argv[1])
json.dump({"model_type": "llama"}, open(sys.argv[1] + "/config.json", "w"))
