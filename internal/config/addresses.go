package config

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// addresses is a list of addresses to listen on, separated by spaces or commas.
func addresses() kind {
	const accepts = `addresses separated by spaces or commas, such as "127.0.0.1 ::1", or * for all of IPv4 and ::* for all of IPv6`
	set := func(v *Values, text string) error {
		list, ok := parseAddresses(text)
		if !ok {
			return errors.New("must be " + accepts)
		}
		v.Bind = list
		return nil
	}
	get := func(v *Values) string { return strings.Join(v.Bind, " ") }
	return kind{name: "list", accepts: accepts, set: set, get: get, setRedis: set, getRedis: get}
}

func parseAddresses(text string) ([]string, bool) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
	list := make([]string, 0, len(fields))
	for _, field := range fields {
		address, ok := parseAddress(field)
		if !ok {
			return nil, false
		}
		list = append(list, address)
	}
	return list, len(list) > 0
}

func parseAddress(text string) (string, bool) {
	switch text {
	case "*":
		return "0.0.0.0", true
	case "::*":
		return "::", true
	}
	if inner, found := strings.CutPrefix(text, "["); found {
		text = strings.TrimSuffix(inner, "]")
	}
	if ip, err := netip.ParseAddr(text); err == nil {
		return ip.String(), true
	}
	return text, isHostName(text)
}

// isHostName tells names from mistyped addresses: a name has a letter in its
// last label, "127.0.0.256" and "127.0.0.1:6379" are neither.
func isHostName(text string) bool {
	const digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyz"
	text = strings.ToLower(text)
	if text == "" || text[0] == '-' || strings.Trim(text, digits+letters+"-._") != "" {
		return false
	}
	for _, c := range text {
		if !strings.ContainsRune(digits+letters+"-._", c) {
			return false
		}
	}
	return strings.ContainsAny(text[strings.LastIndexByte(text, '.')+1:], letters)
}

// httpAddress is an address and a port, or a port alone, which is one of loopback.
func httpAddress() kind {
	const accepts = `a port of this machine such as 8080, or an address and a port such as 0.0.0.0:8080 or [::1]:8080`
	set := func(v *Values, text string) error {
		if text == "" {
			v.HTTPBind = ""
			return nil
		}
		host, port, err := net.SplitHostPort(text)
		if err != nil {
			host, port = "", text
		}
		if host == "" {
			host = "127.0.0.1"
		}
		address, ok := parseAddress(host)
		if n, err := strconv.ParseUint(port, 10, 16); !ok || err != nil || strconv.FormatUint(n, 10) != port {
			return errors.New("must be " + accepts)
		}
		v.HTTPBind = net.JoinHostPort(address, port)
		return nil
	}
	get := func(v *Values) string { return v.HTTPBind }
	return kind{name: "string", accepts: accepts, set: set, get: get}
}
