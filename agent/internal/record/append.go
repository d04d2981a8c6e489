package record

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// appendRecord appends the line of r, with these gaps of its own, as DESIGN §10 names the fields. What is not known is
// left out.
func appendRecord(b []byte, r *Record, gaps []float32) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, r.ID, 10)
	b = append(b, `,"phase":"`...)
	b = append(b, r.Phase.String()...)
	b = append(b, `","endpoint":`...)
	b = strconv.AppendInt(b, int64(r.Endpoint), 10)
	b = appendInstant(b, `,"scheduled":`, r.Scheduled)
	b = appendInstant(b, `,"sent":`, r.Sent)
	b = appendInstant(b, `,"first_token":`, r.FirstToken)
	b = appendInstant(b, `,"first_answer":`, r.FirstAnswer)
	b = appendInstant(b, `,"last_token":`, r.LastToken)
	b = appendInstant(b, `,"done":`, r.Done)
	b = append(b, `,"outcome":"`...)
	b = append(b, r.Outcome.String()...)
	b = append(b, '"')
	if r.GivenUp {
		b = append(b, `,"given_up":true`...)
	}
	b = appendCount(b, `,"status":`, int64(r.Status), 1)
	b = appendCount(b, `,"prompt_tokens":`, int64(r.PromptTokens), 0)
	b = appendCount(b, `,"output_tokens":`, int64(r.OutputTokens), 0)
	if r.TokenSource != NoTokens {
		b = append(b, `,"token_source":"`...)
		b = append(b, r.TokenSource.String()...)
		b = append(b, '"')
	}
	b = appendCount(b, `,"bytes":`, r.Bytes, 0)
	b = appendCount(b, `,"pings":`, int64(r.Pings), 1)
	b = appendCount(b, `,"batch":`, r.Batch, 0)
	b = appendServer(b, r)
	if r.Graded {
		b = strconv.AppendBool(append(b, `,"right":`...), r.Right)
	}
	if r.Error != "" {
		b = append(b, `,"error":`...)
		b = appendString(b, r.Error)
	}
	b = appendGaps(b, gaps)
	return append(b, '}', '\n')
}

// appendServer appends what the server says of the request.
func appendServer(b []byte, r *Record) []byte {
	b = appendDuration(b, `,"server_load":`, r.ServerLoad)
	b = appendDuration(b, `,"server_prompt":`, r.ServerPrompt)
	b = appendDuration(b, `,"server_decode":`, r.ServerDecode)
	if r.Cold {
		b = append(b, `,"cold":true`...)
	}
	return b
}

// appendCount appends the field unless n is below least, which means not known.
func appendCount(b []byte, key string, n, least int64) []byte {
	if n < least {
		return b
	}
	return strconv.AppendInt(append(b, key...), n, 10)
}

// appendInstant appends the field unless the instant never came.
func appendInstant(b []byte, key string, s float64) []byte {
	if math.IsNaN(s) || math.IsInf(s, 0) {
		return b
	}
	return appendSeconds(append(b, key...), s)
}

// appendDuration appends the field if the duration is known: nothing takes no time.
func appendDuration(b []byte, key string, s float64) []byte {
	if !(s > 0) || math.IsInf(s, 0) {
		return b
	}
	return appendSeconds(append(b, key...), s)
}

func appendGaps(b []byte, gaps []float32) []byte {
	if len(gaps) == 0 {
		return b
	}
	b = append(b, `,"gaps":[`...)
	for i, gap := range gaps {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendSeconds(b, float64(gap))
	}
	return append(b, ']')
}

// appendSeconds appends s rounded to nanoseconds, always with nine digits. strconv's own 'f' with a precision is an
// order of magnitude slower: it works in big decimals.
func appendSeconds(b []byte, s float64) []byte {
	ns := int64(math.Round(s * 1e9))
	if ns < 0 {
		b, ns = append(b, '-'), -ns
	}
	b = strconv.AppendInt(b, ns/1e9, 10)
	rest := uint32(ns % 1e9)
	var digits [10]byte // the point and nine digits, two at a time from the end
	for i := 8; i > 0; i -= 2 {
		pair := rest % 100 * 2
		digits[i], digits[i+1] = pairs[pair], pairs[pair+1]
		rest /= 100
	}
	digits[0], digits[1] = '.', byte('0'+rest)
	return append(b, digits[:]...)
}

// pairs are the numbers 00 to 99.
var pairs = func() (all [200]byte) {
	for i := range byte(100) {
		all[2*i], all[2*i+1] = '0'+i/10, '0'+i%10
	}
	return all
}()

// appendString appends s as a JSON string (RFC 8259 §7); bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, c := range s { // an invalid byte comes as U+FFFD
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return append(b, '"')
}
