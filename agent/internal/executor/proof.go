package executor

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"hpcbench/agent/internal/ask"
)

// An executor proves that it has the job's token before it is shown it: who takes the port of one that died, or took it first,
// can't. Its answer to a challenge is of its own address too, so that nobody can have another executor answer for him, and what
// comes next goes over the same connection.

// challengeLimit is the most that a challenge may have, in bytes.
const challengeLimit = 64

// prove is the answer of the executor with this token, on a connection to this address, to a challenge.
func prove(token, address, challenge string) string {
	mac := hmac.New(sha256.New, []byte(token))
	fmt.Fprintf(mac, "hpcbench executor\n%s\n%s", address, challenge)
	return hex.EncodeToString(mac.Sum(nil))
}

// errStranger is what listens where an executor should, and does not have the job's token.
var errStranger = errors.New("what listens there does not know this job's token: another program has the port; the token was not sent to it")

// challenge asks who is at the other end of a connection for a proof that it has the token.
func (c Client) challenge(ctx context.Context, conn *ask.Conn) error {
	challenge := rand.Text()
	answer, err := conn.Send(ctx, ask.Request{URL: c.URL + "/health?challenge=" + challenge})
	if err != nil {
		return err
	}
	var h Health
	err = json.Unmarshal(answer.Body, &h)
	want := prove(c.Token, conn.RemoteAddr().String(), challenge)
	if err != nil || !hmac.Equal([]byte(h.Proof), []byte(want)) {
		return errStranger
	}
	return nil
}
