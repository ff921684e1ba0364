package info

import (
	"strconv"
	"time"
)

// Append appends the wanted sections to dst, in the form of INFO's reply: sections apart by an empty line, every line ended by CRLF.
func Append(dst []byte, s *State, want Sections) []byte {
	start := len(dst)
	for section := range numSections {
		if !want.Has(section) {
			continue
		}
		if len(dst) > start {
			dst = append(dst, "\r\n"...)
		}
		dst = append(dst, "# "...)
		dst = append(dst, section.String()...)
		dst = append(dst, "\r\n"...)
		dst = appendSection(dst, s, section)
	}
	return dst
}

func appendSection(dst []byte, s *State, section Section) []byte {
	for i := range fields {
		f := &fields[i]
		if f.section == section {
			dst = append(dst, f.name...)
			dst = append(dst, ':')
			dst = f.value(dst, s)
			dst = append(dst, "\r\n"...)
		}
	}
	switch section {
	case Server:
		return appendListeners(dst, s)
	case CommandStats:
		return appendCommands(dst, s.Commands)
	case LatencyStats:
		return appendLatencies(dst, s.Commands)
	case ErrorStats:
		return appendErrors(dst, s.Errors)
	case Persistence:
		return appendLoading(dst, s)
	case Keyspace:
		return appendDatabases(dst, s.Databases)
	}
	return dst
}

// appendListeners appends listener0:name=tcp,bind=127.0.0.1,bind=::1,port=6379. Redis numbers them
// by what is spoken.
func appendListeners(dst []byte, s *State) []byte {
	for number, l := range []struct {
		name string
		bind []string
		port int
	}{
		{"tcp", s.Bind, s.Port}, {"unix", []string{s.UnixSocket}, 0}, {"tls", s.Bind, s.TLSPort},
	} {
		if l.port == 0 && (l.name != "unix" || s.UnixSocket == "") {
			continue
		}
		dst = append(dst, "listener"...)
		dst = strconv.AppendInt(dst, int64(number), 10)
		dst = append(dst, ":name="...)
		dst = append(dst, l.name...)
		for _, address := range l.bind {
			dst = append(dst, ",bind="...)
			dst = append(dst, address...)
		}
		if l.port != 0 {
			dst = append(dst, ",port="...)
			dst = strconv.AppendInt(dst, int64(l.port), 10)
		}
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// saveStatus says how the last snapshot went.
func saveStatus(dst []byte, s *State) []byte {
	if s.SaveFailed {
		return append(dst, "err"...)
	}
	return append(dst, "ok"...)
}

// wholeSeconds is d in seconds, -1 if it is negative.
func wholeSeconds(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return int64(d / time.Second)
}

// savingSeconds is how long the snapshot that is being written takes already.
func savingSeconds(s *State) int64 {
	if !s.Saving {
		return -1
	}
	return int64(time.Since(s.SavingSince) / time.Second)
}

// appendLoading appends the fields that are there only while a snapshot is loaded.
func appendLoading(dst []byte, s *State) []byte {
	if !s.Loading {
		return dst
	}
	took, share, eta := time.Since(s.LoadingSince), ratio(float64(s.LoadedBytes), float64(s.LoadingBytes)), int64(-1)
	if share > 0 {
		eta = int64(took.Seconds() * (1 - share) / share)
	}
	dst = append(dst, "loading_start_time:"...)
	dst = strconv.AppendInt(dst, s.LoadingSince.Unix(), 10)
	dst = append(dst, "\r\nloading_total_bytes:"...)
	dst = strconv.AppendInt(dst, s.LoadingBytes, 10)
	dst = append(dst, "\r\nloading_loaded_bytes:"...)
	dst = strconv.AppendInt(dst, s.LoadedBytes, 10)
	dst = append(dst, "\r\nloading_loaded_perc:"...)
	dst = strconv.AppendFloat(dst, 100*share, 'f', 2, 64)
	dst = append(dst, "\r\nloading_eta_seconds:"...)
	dst = strconv.AppendInt(dst, eta, 10)
	return append(dst, "\r\n"...)
}

// appendCommands appends cmdstat_get:calls=2,usec=5,usec_per_call=2.50,rejected_calls=0,failed_calls=0.
func appendCommands(dst []byte, commands []Command) []byte {
	for i := range commands {
		c := &commands[i]
		dst = append(dst, "cmdstat_"...)
		dst = append(dst, c.Name...)
		dst = append(dst, ":calls="...)
		dst = strconv.AppendUint(dst, c.Calls, 10)
		dst = append(dst, ",usec="...)
		dst = strconv.AppendInt(dst, c.Time.Microseconds(), 10)
		dst = append(dst, ",usec_per_call="...)
		dst = strconv.AppendFloat(dst, ratio(microseconds(c.Time), float64(c.Calls)), 'f', 2, 64)
		dst = append(dst, ",rejected_calls="...)
		dst = strconv.AppendUint(dst, c.Rejected, 10)
		dst = append(dst, ",failed_calls="...)
		dst = strconv.AppendUint(dst, c.Failed, 10)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// appendLatencies appends latency_percentiles_usec_get:p50=1.024,p99=2.048,p99.9=2.048.
func appendLatencies(dst []byte, commands []Command) []byte {
	for i := range commands {
		c := &commands[i]
		if c.Percentiles == nil {
			continue
		}
		dst = append(dst, "latency_percentiles_usec_"...)
		dst = append(dst, c.Name...)
		dst = append(dst, ':')
		for i, p := range c.Percentiles {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, 'p')
			dst = append(dst, p.P...)
			dst = append(dst, '=')
			dst = strconv.AppendFloat(dst, microseconds(p.Time), 'f', 3, 64)
		}
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// appendErrors appends errorstat_ERR:count=50.
func appendErrors(dst []byte, errors []Error) []byte {
	for _, e := range errors {
		dst = append(dst, "errorstat_"...)
		dst = append(dst, e.Code...)
		dst = append(dst, ":count="...)
		dst = strconv.AppendUint(dst, e.Count, 10)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// appendDatabases appends db0:keys=5,expires=1,avg_ttl=99000.
func appendDatabases(dst []byte, databases []Database) []byte {
	for _, d := range databases {
		dst = append(dst, "db"...)
		dst = strconv.AppendInt(dst, int64(d.Index), 10)
		dst = append(dst, ":keys="...)
		dst = strconv.AppendInt(dst, d.Keys, 10)
		dst = append(dst, ",expires="...)
		dst = strconv.AppendInt(dst, d.Expires, 10)
		dst = append(dst, ",avg_ttl="...)
		dst = strconv.AppendInt(dst, d.AvgTTL.Milliseconds(), 10)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// The kinds of values.

type render = func(dst []byte, s *State) []byte

func constant(value string) render {
	return func(dst []byte, _ *State) []byte { return append(dst, value...) }
}

func text(get func(*State) string) render {
	return func(dst []byte, s *State) []byte { return append(dst, get(s)...) }
}

// flag is 1 or 0.
func flag(get func(*State) bool) render {
	return func(dst []byte, s *State) []byte {
		if get(s) {
			return append(dst, '1')
		}
		return append(dst, '0')
	}
}

func number(get func(*State) int64) render {
	return func(dst []byte, s *State) []byte { return strconv.AppendInt(dst, get(s), 10) }
}

func count(get func(*State) uint64) render {
	return func(dst []byte, s *State) []byte { return strconv.AppendUint(dst, get(s), 10) }
}

// human is bytes for people: 512B, 1.50K, 2.00G.
func human(get func(*State) int64) render {
	return func(dst []byte, s *State) []byte {
		n := get(s)
		if n < 1024 {
			return append(strconv.AppendInt(dst, n, 10), 'B')
		}
		value, unit := float64(n)/1024, 0
		for value >= 1024 && unit < len("KMGTP")-1 {
			value, unit = value/1024, unit+1
		}
		return append(strconv.AppendFloat(dst, value, 'f', 2, 64), "KMGTP"[unit])
	}
}

func percent(part, whole func(*State) int64) render {
	return func(dst []byte, s *State) []byte {
		share := min(100*ratio(float64(part(s)), float64(whole(s))), 100)
		return append(strconv.AppendFloat(dst, share, 'f', 2, 64), '%')
	}
}

func kilobytes(get func(*State) int64) render {
	return func(dst []byte, s *State) []byte {
		return strconv.AppendFloat(dst, float64(get(s))/1024, 'f', 2, 64)
	}
}

func seconds(get func(*State) time.Duration) render {
	return func(dst []byte, s *State) []byte { return strconv.AppendFloat(dst, get(s).Seconds(), 'f', 6, 64) }
}

// unixTime is a time in Unix seconds, 0 for the zero time.
func unixTime(get func(*State) time.Time) render {
	return func(dst []byte, s *State) []byte {
		if t := get(s); !t.IsZero() {
			return strconv.AppendInt(dst, t.Unix(), 10)
		}
		return append(dst, '0')
	}
}

// quotient is a/b, 0 if b is.
func quotient(a, b func(*State) int64) render {
	return func(dst []byte, s *State) []byte {
		return strconv.AppendFloat(dst, ratio(float64(a(s)), float64(b(s))), 'f', 2, 64)
	}
}

// ratio is a/b, 0 if b is.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
