package token

// way is how a GGUF's pre-tokenizer, by the name in tokenizer.ggml.pre, cuts a text: by these patterns, one after the other.
type way struct {
	patterns []string
	whole    bool // a piece that is a token is that, whatever the merges say
}

// The patterns of well-known tokenizers, as their tokenizer.json have them.
const (
	contractions = `(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])`
	spaces       = `\s*[\r\n]+|\s+(?!\S)|\s+`
	marks        = ` ?[^\s\p{L}\p{N}]+[\r\n]*`
	llama3       = contractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|` + marks + `|` + spaces
	qwen2        = contractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|` + marks + `|` + spaces
	qwen35       = contractions + `|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|` + spaces
	numbers      = `\p{N}{1,3}`
	deepseekCJK  = `[一-龥\x{3040}-ゟ゠-ヿ]+`
	deepseek     = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+" +
		`|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|` + spaces
	upper   = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
	lower   = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
	before  = `[^\r\n\p{L}\p{N}]?`
	slashes = `| ?[^\s\p{L}\p{N}]+[\r\n/]*|` + spaces
)

// ways are the pre-tokenizers that are known, by their names in llama.cpp (src/llama-vocab.cpp). Of gpt-4o and tekken
// llama.cpp's own patterns stand for upper and lower case as it can write them; these are of the models' own tokenizers, and
// the two differ in letters of some scripts.
var ways = map[string]way{
	"default":          {patterns: []string{`[\p{P}\$\+<=>\^~\|]+`, gpt2, `\p{N}+`, `[0-9][0-9][0-9]`}}, // of files that don't say
	"gpt-2":            {patterns: []string{gpt2}},
	"phi-2":            {patterns: []string{gpt2}},
	"olmo":             {patterns: []string{gpt2}},
	"mpt":              {patterns: []string{gpt2}},
	"jais":             {patterns: []string{gpt2}},
	"trillion":         {patterns: []string{gpt2}},
	"exaone4":          {patterns: []string{gpt2}},
	"granite-docling":  {patterns: []string{gpt2}},
	"starcoder":        {patterns: []string{`\p{N}`, gpt2}},
	"refact":           {patterns: []string{`\p{N}`, gpt2}},
	"command-r":        {patterns: []string{`\p{N}`, gpt2}},
	"smollm":           {patterns: []string{`\p{N}`, gpt2}},
	"codeshell":        {patterns: []string{`\p{N}`, gpt2}},
	"exaone":           {patterns: []string{`\p{N}`, gpt2}},
	"minerva-7b":       {patterns: []string{`\p{N}`, gpt2}},
	"llama3":           {patterns: []string{llama3}, whole: true},
	"llama-v3":         {patterns: []string{llama3}, whole: true},
	"llama-bpe":        {patterns: []string{llama3}, whole: true},
	"falcon3":          {patterns: []string{llama3}, whole: true},
	"falcon-h1":        {patterns: []string{llama3}, whole: true},
	"pixtral":          {patterns: []string{llama3}, whole: true},
	"midm-2.0":         {patterns: []string{llama3}, whole: true},
	"lfm2":             {patterns: []string{llama3}, whole: true},
	"dbrx":             {patterns: []string{llama3}},
	"smaug-bpe":        {patterns: []string{llama3}},
	"chatglm-bpe":      {patterns: []string{llama3}},
	"glm4":             {patterns: []string{llama3}, whole: true},
	"qwen2":            {patterns: []string{qwen2}},
	"deepseek-r1-qwen": {patterns: []string{qwen2}},
	"stablelm2":        {patterns: []string{qwen2}},
	"megrez":           {patterns: []string{qwen2}},
	"hunyuan":          {patterns: []string{qwen2}},
	"solar-open":       {patterns: []string{qwen2}},
	"grok-2":           {patterns: []string{qwen2}},
	"qwen35":           {patterns: []string{qwen35}},
	"deepseek-v3":      {patterns: []string{numbers, deepseekCJK, deepseek}},
	"hunyuan-dense":    {patterns: []string{numbers, deepseekCJK, deepseek}},
	"tekken": {whole: true, patterns: []string{
		before + upper + `*` + lower + `+|` + before + upper + `+` + lower + `*|\p{N}` + slashes}},
	"falcon":         {patterns: []string{"[\\p{P}\\$\\+<=>\\^~\\|`]+", gpt2, `[0-9][0-9][0-9]`}},
	"deepseek-coder": {patterns: []string{`[\r\n]`, `\s?\p{L}+`, `\s?\p{P}+`, `[一-龥ࠀ-一가-\x{D7FF}]+`, `\p{N}`}},
	"gpt-4o":         {patterns: []string{gpt4o}},
	"llama4":         {patterns: []string{gpt4o}},
}

const gpt4o = before + upper + `*` + lower + `+` + contractions + `?|` + before + upper + `+` + lower + `*` + contractions + `?|\p{N}{1,3}` + slashes
