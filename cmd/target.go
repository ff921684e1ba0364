package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/redistill/redistill/tools/client"
)

// completeTarget enters what flags say of TLS, and what the environment says of a
// password that the target does not have.
func completeTarget(t *client.Target, secure *tlsOptions) error {
	t.Password = cmp.Or(t.Password, os.Getenv("REDISCLI_AUTH"))
	if t.TLS == nil {
		return nil
	}
	return secure.apply(t.TLS)
}

// explainPassword adds to the error of a server that wants a password how to give
// it one.
func explainPassword(err error) error {
	if errors.Is(err, client.ErrPassword) {
		return fmt.Errorf("%w; set REDISCLI_AUTH", err)
	}
	return err
}
