package dataset

import (
	"cmp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Graded reports whether any prompt has an answer that a reply can be compared with.
func (s *Set) Graded() bool { return s.graded }

// Grade compares a reply, as it stands between the quotes of a JSON string, with the right answer to prompt n. ok: it has
// one; right: the reply chooses it. A reply that chooses nothing is wrong.
func (s *Set) Grade(n int64, reply []byte) (ok, right bool) {
	want := s.right[s.order[n%int64(len(s.order))]]
	return want != 0, want != 0 && chosen(reply) == want
}

// enough is how much of a reply is looked at, in bytes: of a longer one its begin and its end, where it may come to an answer.
const enough = 16 << 10

// chosen is the letter that a reply chooses, as it stands in JSON; 0: none.
func chosen(reply []byte) byte {
	if len(reply) > enough {
		if c := told(unescaped(reply[len(reply)-enough:])); c != 0 {
			return c
		}
	}
	return choice(unescaped(reply))
}

// choice is the letter that a reply chooses, 0: none. It is the first capital letter that stands alone, after the last
// "answer is" or "answer:" where the reply has one with a letter after it; or a small letter where that is all that the
// reply begins with ("b)").
func choice(reply string) byte {
	if c := cmp.Or(told(reply), alone(reply)); c != 0 {
		return c
	}
	begin := strings.TrimLeft(reply, " \t\r\n([*\"'`_“")
	if begin == "" || begin[0] < 'a' || begin[0] > 'z' || len(begin) > 1 && !strings.ContainsRune(".):,;]*\"'\n”", rune(begin[1])) {
		return 0
	}
	return begin[0] - 'a' + 'A'
}

// told is the letter after the last "answer is" or "answer:" of a reply; 0: there is none.
func told(reply string) byte {
	lower := strings.ToLower(reply)
	if len(lower) != len(reply) { // letters whose small ones are longer: places in one are none in the other
		return 0
	}
	one, two := strings.LastIndex(lower, "answer is"), strings.LastIndex(lower, "answer:")
	for _, at := range []int{max(one, two), min(one, two)} {
		if at < 0 {
			continue
		}
		if c := alone(reply[at+len("answer:"):]); c != 0 {
			return c
		}
	}
	return 0
}

// alone is the first capital letter of a text that is no part of a word and no article ("A man …"); 0: there is none.
func alone(text string) byte {
	before := ' '
	for i, r := range text {
		after, _ := utf8.DecodeRuneInString(text[i+utf8.RuneLen(r):])
		if r >= 'A' && r <= 'Z' && !wordy(before) && !wordy(after) && !article(text[i:]) {
			return byte(r)
		}
		before = r
	}
	return 0
}

func wordy(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// article reports whether text begins with a word that is written as one of the letters: A or I before a word other than is
// and because, or an apostrophe (I'm).
func article(text string) bool {
	if text[0] != 'A' && text[0] != 'I' || len(text) < 3 {
		return false
	}
	if text[1] != ' ' {
		return text[0] == 'I' && (text[1] == '\'' || strings.HasPrefix(text[1:], "’"))
	}
	return text[2] >= 'a' && text[2] <= 'z' && !strings.HasPrefix(text[2:], "is ") && !strings.HasPrefix(text[2:], "because ")
}

// unescaped is the begin of a text that stands in JSON, as it was meant. Half a surrogate pair is no letter.
func unescaped(text []byte) string {
	plain := make([]byte, 0, min(len(text), enough))
	for i := 0; i < len(text) && len(plain) < enough; i++ {
		switch {
		case text[i] != '\\' || i+1 == len(text):
			plain = append(plain, text[i])
		case text[i+1] == 'u' && i+6 <= len(text):
			n, err := strconv.ParseUint(string(text[i+2:i+6]), 16, 16)
			if err != nil {
				n = utf8.RuneError
			}
			plain = utf8.AppendRune(plain, rune(n))
			i += 5
		case strings.IndexByte(`"\/`, text[i+1]) >= 0:
			plain = append(plain, text[i+1])
			i++
		default: // white space
			plain = append(plain, '\n')
			i++
		}
	}
	return strings.ToValidUTF8(string(plain), "\uFFFD")
}
