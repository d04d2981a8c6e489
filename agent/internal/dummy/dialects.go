package dummy

import "bytes"

// dialect is how one kind of server says what a generation holds. Its functions append to b and return it.
type dialect struct {
	name       string
	streamType string // content type of a stream
	always     bool   // it streams whatever the request says
	byDefault  bool   // it streams unless the request says no
	never      bool   // its path has no stream
	modelless  bool   // its requests name no model
	loads      bool   // a request without a prompt only loads the model
	groups     bool   // a request may have several prompts

	opening func(b []byte, g *generation) []byte                         // before the first token
	token   func(b []byte, g *generation, word string, now int64) []byte // one event for one token
	ending  func(b []byte, g *generation) []byte                         // after the last token
	whole   func(b []byte, g *generation) []byte                         // the answer that is not streamed
	problem func(b []byte, status int, words string) []byte              // the body of an error
}

// streams tells whether the answer to r is streamed.
func (d *dialect) streams(r *request) bool {
	switch {
	case d.always || d.never:
		return d.always
	case r.streamSet:
		return r.stream
	}
	return d.byDefault
}

// of is the dialect a request on d's path is in: TGI's and SGLang's plain /generate are told apart by the prompt's key.
func (d *dialect) of(r *request) *dialect {
	if d == &sglangGenerate && r.inputs {
		return &tgiPlain
	}
	return d
}

// choices is how many answers a request on d's path gets: one for each prompt of a group.
func (d *dialect) choices(r *request) int {
	if d.groups {
		return max(1, r.prompts)
	}
	return 1
}

// lookup finds the dialect spoken at path; nil: no dialect's path.
func lookup(path []byte) *dialect {
	switch string(path) {
	case "/v1/chat/completions":
		return &openaiChat
	case "/v1/completions":
		return &openaiCompletions
	case "/api/generate":
		return &ollamaGenerate
	case "/api/chat":
		return &ollamaChat
	case "/generate":
		return &sglangGenerate
	case "/generate_stream":
		return &tgiGenerate
	case "/completion":
		return &llamacppCompletion
	}
	if bytes.HasPrefix(path, []byte("/v2/models/")) {
		switch string(path[bytes.LastIndexByte(path, '/'):]) {
		case "/generate_stream":
			return &tritonGenerate
		case "/generate":
			return &tritonPlain
		}
	}
	return nil
}

// none is a stage in which a dialect says nothing.
func none(b []byte, _ *generation) []byte { return b }

// appendText appends the words of the whole answer.
func appendText(b []byte, g *generation) []byte {
	for k := range g.length {
		b = append(b, word(k)...)
	}
	return b
}

// reason is why the generation ended: stop at its own end, length at the one asked for.
func (g *generation) reason(stop, length string) string {
	if g.natural {
		return stop
	}
	return length
}
