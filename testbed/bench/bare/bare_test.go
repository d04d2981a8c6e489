package bare

import (
	"fmt"
	"testing"
)

// The end of an answer is seen wherever its bytes are cut.
func TestSeesTheEndOfAnAnswer(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length:      7\r\n\r\n{\"a\":1}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n0\r\n\r\n",
	} {
		head := 4 + indexOf(answer)
		for i := head; i < len(answer); i++ {
			for j := i; j < len(answer); j++ {
				if err := pieces(answer[:i], answer[i:j], answer[j:]); err != nil {
					t.Errorf("cut at %d and %d: %v", i, j, err)
				}
			}
		}
	}
}

func indexOf(answer string) int {
	for i := range answer {
		if answer[i:i+4] == "\r\n\r\n" {
			return i
		}
	}
	return -1
}

// pieces feeds an answer, whose last piece alone may be its end.
func pieces(all ...string) error {
	c := conn{left: -1}
	for i, piece := range all {
		if i > 0 && piece == "" {
			continue
		}
		ended, err := c.ends([]byte(piece))
		if err != nil || ended != (i == len(all)-1) {
			return fmt.Errorf("piece %d: ended %v, error %v", i, ended, err)
		}
	}
	return nil
}

func TestRefusesWhatIsNoAnswer(t *testing.T) {
	for _, in := range []string{"HTTP/1.1 500 X\r\n\r\n", "HTTP/1.1 200 OK\r\nConte", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"} {
		c := conn{left: -1}
		if _, err := c.ends([]byte(in)); err == nil {
			t.Errorf("%q was taken", in)
		}
	}
}
