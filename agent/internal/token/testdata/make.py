# Makes the tokenizers of this directory and what they make of some texts: python make.py REPOSITORY, with the package
# tokenizers (0.23.3). They are trained on the repository's own documents, so that they come out otherwise when those change.
import glob
import json
import random
import sys
import unicodedata

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

BLOCKS = [(0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x5FF), (0x600, 0x6FF), (0x900, 0x97F),
          (0xE00, 0xE7F), (0x1100, 0x11FF), (0x1E00, 0x1EFF), (0x2000, 0x206F), (0x20A0, 0x20CF), (0x2100, 0x214F),
          (0x2190, 0x21FF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFE30, 0xFE4F),
          (0xFF00, 0xFFEF), (0x10400, 0x1044F), (0x1D400, 0x1D7FF), (0x1F300, 0x1F64F), (0x300, 0x36F)]
WORDS = ("the of and to in is you that was for on are with his they be at one have this from or had by hot don't I'm you'll "
         "they've he'd it's WE'RE O'Neil Straße naïve façade Ελλάδα Привет мир 你好世界 こんにちは 안녕하세요 مرحبا नमस्ते สวัสดี").split()
BLANKS = [" ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n ", "\u00a0", "\u3000", "\n   \n", "\t\t", "    "]
ODD = ["for (int i = 0; i < n; i++) {\n\treturn a[i] += 0x1F;\n}", "def f(x):\n    return {'a': [1,2], \"b\": x**2}\n",
       "https://example.com/a?b=c&d=%20", "3.14159e-10", "12,345.67", "!!!???...", "---===***", "</div>", "'s 't're 'LL 'vE",
       "🙂👩‍👩‍👧‍👦🇩🇪", "‖…—–“”«»", "½²³ⅣⅫ", "ſ'ſ k'ſt", "e\u0301a\u0308", "\u212b \u2126", "ﬁﬂ"]


def word(r):
    k = r.random()
    if k < 0.5:
        w = r.choice(WORDS)
    elif k < 0.6:
        w = r.choice(ODD)
    elif k < 0.7:
        w = str(r.randrange(10 ** r.randrange(1, 12)))
    elif k < 0.9:
        low, high = r.choice(BLOCKS)
        w = "".join(chr(r.randint(low, high)) for _ in range(r.randint(1, 8)))
    else:
        w = "".join(r.choice(BLANKS) for _ in range(r.randint(1, 4)))
    return w.upper() if r.random() < 0.1 else w


def text(r):
    s = ""
    for _ in range(r.choice([1, 2, 3, 5, 8, 13, 40])):
        s += word(r) + r.choice([" ", " ", " ", "", r.choice(BLANKS)])
    return "".join(c for c in s if unicodedata.category(c) not in ("Cs", "Cn"))


def save(name, tok):
    r = random.Random(3)
    texts = [t for t in (text(r) for _ in range(60)) if t]
    texts += ["Hello, world! I'LL be 1234 times <|end|>happy<|end|>  <|pad|> ok", "  two  spaces  ", "\n\n\ta", "’tis",
              "<|begin|>", "x<|begin|> y", "<s>x</s> <s>"]
    tok.save(out + name + ".json", pretty=False)
    with open(out + name + ".jsonl", "w") as f:
        for t in texts:
            f.write(json.dumps({"text": t, "ids": tok.encode(t, add_special_tokens=False).ids}, ensure_ascii=False) + "\n")


out = sys.argv[1] + "/agent/internal/token/testdata/"
files = sorted(glob.glob(sys.argv[1] + "/docs/*.md")) + [sys.argv[1] + "/README.md"] + [sys.argv[1] + "/agent/internal/prompt/words.go"] * 20
corpus = [open(f, encoding="utf-8").read() for f in files]

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
tok = Tokenizer(models.BPE(ignore_merges=True))
tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
                                             pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
tok.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=1500, special_tokens=["<|begin|>", "<|end|>"], show_progress=False,
                                                    initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
tok.post_processor = processors.TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", 0)])
save("bytes", tok)

raw = ["<0x%02X>" % b for b in range(256)]
tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
tok.pre_tokenizer = pre_tokenizers.Metaspace()
tok.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=1500, special_tokens=["<unk>", "<s>", "</s>"] + raw, show_progress=False))
made = json.loads(tok.to_str())
made["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                                                          {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
made["pre_tokenizer"] = None
made["model"]["byte_fallback"] = True
made["added_tokens"] = [a for a in made["added_tokens"] if a["content"] not in raw]
tok = Tokenizer.from_str(json.dumps(made))
tok.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
save("pieces", tok)

tok = Tokenizer(models.BPE())
tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tok.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=260, special_tokens=["<|end|>"], show_progress=False,
                                                    initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
save("tiny", tok)
