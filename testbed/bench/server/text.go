package server

import "strconv"

// words are what answers say, over and over.
var words = [...]string{" watch", " from", " an", " old", " oak", " and", " count", " every", " star", " while"}

func word(k int) string { return words[k%len(words)] }

const created = "1700000000" // of every answer: no clock is read for it

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

// role is the chunk with the role. As vLLM does, it comes with the first token, not when the request is taken.
func role(b []byte, number int64) []byte {
	return event(b, number, `{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`)
}

// chunk is one token.
func chunk(b []byte, number int64, word string) []byte {
	const before, behind = `{"index":0,"delta":{"content":"`, `"},"finish_reason":null}]}`
	b = framed(b, number, len(before)+len(word)+len(behind))
	b = append(append(append(b, before...), word...), behind...)
	return append(b, "\n\n\r\n"...)
}

// event is an event with these choices.
func event(b []byte, number int64, choices string) []byte {
	return append(append(framed(b, number, len(choices)), choices...), "\n\n\r\n"...)
}

// framed is an event up to its choices, of so many bytes, in a chunk of HTTP.
func framed(b []byte, number int64, choices int) []byte {
	const before, behind = `data: {"id":"chatcmpl-`, `","object":"chat.completion.chunk","created":` + created + `,"model":"m","choices":[`
	var digits [20]byte
	n := strconv.AppendInt(digits[:0], number, 10)
	b = strconv.AppendInt(b, int64(len(before)+len(n)+len(behind)+choices+len("\n\n")), 16)
	b = append(append(append(b, "\r\n"...), before...), n...)
	return append(b, behind...)
}

// ending is all that follows the last token: why it ended, the usage where it was asked for, and the end marks.
func ending(b []byte, c *conn) []byte {
	b = event(b, c.number, `{"index":0,"delta":{},"finish_reason":"length"}]}`)
	if c.r.usage {
		b = event(b, c.number, string(usage([]byte(`]`), c))+"}")
	}
	return append(b, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"...)
}

func usage(b []byte, c *conn) []byte {
	b = strconv.AppendInt(append(b, `,"usage":{"prompt_tokens":`...), int64(c.r.prompt), 10)
	b = strconv.AppendInt(append(b, `,"completion_tokens":`...), int64(c.written), 10)
	b = strconv.AppendInt(append(b, `,"total_tokens":`...), int64(c.r.prompt+c.written), 10)
	return append(b, '}')
}

// wholeAnswer is an answer that is not streamed. Its length stands before it with blanks, which HTTP allows, for it is known
// only afterwards.
func wholeAnswer(b []byte, c *conn) []byte {
	b = append(b, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:          \r\n\r\n"...)
	head := len(b)
	b = append(b, `{"id":"chatcmpl-`...)
	b = strconv.AppendInt(b, c.number, 10)
	b = append(b, `","object":"chat.completion","created":`+created+`,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"`...)
	for k := range c.written {
		b = append(b, word(k)...)
	}
	b = append(usage(append(b, `"},"finish_reason":"length"}]`...), c), '}')
	var digits [20]byte
	n := strconv.AppendInt(digits[:0], int64(len(b)-head), 10)
	copy(b[head-len("\r\n\r\n")-len(n):], n)
	return b
}

// refusal is the answer to what is no request.
func refusal(b []byte, why error) []byte {
	text := why.Error() + "\n"
	b = strconv.AppendInt(append(b, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: "...), int64(len(text)), 10)
	return append(append(b, "\r\n\r\n"...), text...)
}
