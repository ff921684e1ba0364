package config

import (
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

// protocols is a list of versions of TLS, separated by spaces or commas.
func protocols() kind {
	const accepts = "TLSv1.2, TLSv1.3, or both"
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
		if len(words) == 0 {
			return errors.New("must be " + accepts)
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
