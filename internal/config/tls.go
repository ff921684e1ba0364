package config

import (
	"crypto/tls"
	"errors"
	"slices"
	"strings"
)

// renamed is one of a few words, in any case, for which Redis has others: theirs[i] stands for ours[i].
func renamed(field func(*Values) *string, ours, theirs []string) kind {
	k := enum(field, ours)
	k.setRedis = func(v *Values, text string) error {
		i := slices.IndexFunc(theirs, func(word string) bool { return strings.EqualFold(word, text) })
		if i < 0 {
			return errors.New("argument(s) must be one of the following: " + strings.Join(theirs, ", "))
		}
		*field(v) = ours[i]
		return nil
	}
	k.getRedis = func(v *Values) string { return theirs[slices.Index(ours, *field(v))] }
	return k
}

// tlsVersions are the versions of TLS that can be spoken, under OpenSSL's names.
var tlsVersions = []string{"TLSv1.2", "TLSv1.3"}

// protocols is a list of versions of TLS, separated by spaces or commas. None is the default, all
// of them.
func protocols() kind {
	const accepts = "TLSv1.2, TLSv1.3, both, or nothing for both"
	set := func(v *Values, text string) error {
		chosen := make([]bool, len(tlsVersions))
		words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
		for _, word := range words {
			i := slices.IndexFunc(tlsVersions, func(name string) bool { return strings.EqualFold(name, word) })
			if i < 0 {
				return errors.New("must be " + accepts)
			}
			chosen[i] = true
		}
		var names []string
		for i, name := range tlsVersions {
			if chosen[i] {
				names = append(names, name)
			}
		}
		v.TLSProtocols = strings.Join(names, " ")
		return nil
	}
	get := func(v *Values) string { return v.TLSProtocols }
	return kind{name: "list", accepts: accepts, set: set, get: get, setRedis: set, getRedis: get}
}

// cipherSuites are the cipher suites of TLS 1.2 that can be spoken, under OpenSSL's names.
var cipherSuites = []struct {
	name string
	id   uint16
}{
	{"ECDHE-ECDSA-AES128-GCM-SHA256", tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	{"ECDHE-RSA-AES128-GCM-SHA256", tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	{"ECDHE-ECDSA-AES256-GCM-SHA384", tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384},
	{"ECDHE-RSA-AES256-GCM-SHA384", tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384},
	{"ECDHE-ECDSA-CHACHA20-POLY1305", tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256},
	{"ECDHE-RSA-CHACHA20-POLY1305", tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256},
	{"ECDHE-ECDSA-AES128-SHA", tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA},
	{"ECDHE-RSA-AES128-SHA", tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA},
	{"ECDHE-ECDSA-AES256-SHA", tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA},
	{"ECDHE-RSA-AES256-SHA", tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA},
}

// ciphers is a list of cipher suites with colons between them. None is Go's choice. Go also chooses
// their order.
func ciphers() kind {
	const accepts = "names of TLS 1.2 as OpenSSL writes them, with colons between them, such as " +
		"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384, or nothing for Go's own choice"
	set := func(v *Values, text string) error {
		for _, name := range cipherNames(text) {
			if cipherID(name) == 0 {
				return errors.New("must be " + accepts +
					": Go's TLS has neither others nor words such as HIGH")
			}
		}
		v.TLSCiphers = text
		return nil
	}
	get := func(v *Values) string { return v.TLSCiphers }
	return kind{name: "list", accepts: accepts, set: set, get: get, setRedis: set, getRedis: get}
}

func cipherNames(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ":")
}

// cipherID returns the number of a cipher suite, 0 if there is none of that name.
func cipherID(name string) uint16 {
	for _, c := range cipherSuites {
		if c.name == name {
			return c.id
		}
	}
	return 0
}

// CipherSuites returns the cipher suites of TLS 1.2 that tls-ciphers allows, nil for Go's own
// choice.
func (v *Values) CipherSuites() []uint16 {
	var list []uint16
	for _, name := range cipherNames(v.TLSCiphers) {
		list = append(list, cipherID(name))
	}
	return list
}
