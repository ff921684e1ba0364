package resp

// inline reads a command typed as a line of words. Words are separated by
// blanks and may be quoted as in a shell:
//
//	SET key "a \"value\"\r\n\x00"
//	SET key 'it\'s raw: \n stays two bytes'
func (p *Parser) inline(buf []byte, args [][]byte) (int, [][]byte, error) {
	lf, tooBig := p.lineEnd(buf, '\n')
	if tooBig {
		return 0, args, errInlineTooBig
	}
	if lf < 0 {
		return 0, args, nil
	}
	line := buf[:lf]
	if lf > 0 && buf[lf-1] == '\r' {
		line = buf[:lf-1]
	}
	args, ok := splitLine(line, args)
	if !ok {
		return 0, args[:0], errInlineUnquoted
	}
	p.pos = lf + 1
	return p.finish(), args, nil
}

// splitLine appends the words of line to args. Words are unquoted in place,
// which works because no escape is shorter than the byte it stands for. It
// returns false if a quote is not closed or has no blank behind it.
func splitLine(line []byte, args [][]byte) ([][]byte, bool) {
	for i := 0; ; {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return args, true
		}
		start := i
		end, next, ok := unquoteWord(line, i)
		if !ok {
			return args, false
		}
		args = append(args, line[start:end:end])
		i = next
	}
}

// unquoteWord rewrites the word at line[i:] without its quotes. It returns
// where the rewritten word ends and where reading goes on. A quote may begin
// inside of a word and ends it when it closes. Vertical tab and form feed are
// skipped between words but do not end one.
func unquoteWord(line []byte, i int) (end, next int, ok bool) {
	w := i
	for i < len(line) {
		switch c := line[i]; c {
		case ' ', '\t', '\r', '\n':
			return w, i, true
		case '"':
			return unquoteDouble(line, w, i+1)
		case '\'':
			return unquoteSingle(line, w, i+1)
		default:
			line[w] = c
			w++
			i++
		}
	}
	return w, i, true
}

// unquoteDouble moves the text from line[i] to the closing " to line[w:],
// replacing \xHH, \n, \r, \t, \b, \a; a backslash before any other byte
// stands for that byte.
func unquoteDouble(line []byte, w, i int) (end, next int, ok bool) {
	for i < len(line) {
		c := line[i]
		i++
		if c == '"' {
			return w, i, i == len(line) || isSpace(line[i])
		}
		if c == '\\' && i < len(line) {
			c, i = unescape(line, i)
		}
		line[w] = c
		w++
	}
	return w, i, false
}

// unescape returns the byte that the escape at line[i:], behind its backslash,
// stands for and where reading goes on.
func unescape(line []byte, i int) (byte, int) {
	switch c := line[i]; c {
	case 'x':
		if i+2 < len(line) {
			hi, lo := hexDigit(line[i+1]), hexDigit(line[i+2])
			if hi >= 0 && lo >= 0 {
				return byte(hi<<4 | lo), i + 3
			}
		}
		return c, i + 1
	case 'n':
		return '\n', i + 1
	case 'r':
		return '\r', i + 1
	case 't':
		return '\t', i + 1
	case 'b':
		return '\b', i + 1
	case 'a':
		return '\a', i + 1
	default:
		return c, i + 1
	}
}

// unquoteSingle moves the text from line[i] to the closing ' to line[w:]. Its
// only escape is \'.
func unquoteSingle(line []byte, w, i int) (end, next int, ok bool) {
	for i < len(line) {
		c := line[i]
		i++
		if c == '\'' {
			return w, i, i == len(line) || isSpace(line[i])
		}
		if c == '\\' && i < len(line) && line[i] == '\'' {
			c = '\''
			i++
		}
		line[w] = c
		w++
	}
	return w, i, false
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// hexDigit returns the value of the digit, or -1.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
