package config

import (
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	tests := []struct {
		text string
		want int64 // -1 = error
	}{
		{"0", 0}, {"1", 1}, {"1048576", 1 << 20}, {"10b", 10},
		{"1k", 1000}, {"1kb", 1024}, {"1K", 1000}, {"1KB", 1024},
		{"512mb", 512 << 20}, {"2GB", 2 << 30}, {"2g", 2e9}, {"2 GB", 2 << 30},
		{"1tb", 1 << 40}, {"9223372036854775807", 1<<63 - 1},
		{"", -1}, {"b", -1}, {"abc", -1}, {"-1", -1}, {"+1", -1}, {"1.5gb", -1},
		{"1kib", -1}, {"0x10", -1}, {"80%", -1}, {" 1", -1}, {"1e9", -1},
		{"9223372036854775808", -1}, {"9223372036854775807k", -1}, {"8388608tb", -1},
		{"١gb", -1}, // digits of other scripts are none
	}
	for _, test := range tests {
		got, err := ParseSize(test.text)
		if (err != nil) != (test.want < 0) || err == nil && got != test.want {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", test.text, got, err, test.want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration // -1 = error
	}{
		{"0", 0}, {"300", 300 * time.Second}, {"5m", 5 * time.Minute}, {"5M", 5 * time.Minute},
		{"1h30m", 90 * time.Minute}, {"2d", 48 * time.Hour}, {"0s", 0}, {"2000ms", 2 * time.Second},
		{"", -1}, {"-1", -1}, {"-5m", -1}, {"1.5", -1}, {"500ms", -1}, {"5 m", -1}, {"d", -1}, {"-1d", -1},
		{"9999999999999", -1}, {"106751991168d", -1}, {"5x", -1}, {"1e3", -1},
	}
	for _, test := range tests {
		got, err := ParseDuration(test.text)
		if (err != nil) != (test.want < 0) || err == nil && got != test.want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", test.text, got, err, test.want)
		}
	}
}

func TestParseBool(t *testing.T) {
	for text, want := range map[string]bool{"true": true, "Yes": true, "ON": true, "false": false, "no": false, "off": false} {
		if got, err := ParseBool(text); err != nil || got != want {
			t.Errorf("ParseBool(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "0", "maybe", " true"} {
		if _, err := ParseBool(text); err == nil {
			t.Errorf("ParseBool(%q) succeeded", text)
		}
	}
}

func TestParsePercent(t *testing.T) {
	for text, want := range map[string]int64{"1%": 1, "80%": 80, "100%": 100} {
		if got, ok := parsePercent(text); !ok || got != want {
			t.Errorf("parsePercent(%q) = %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "%", "0%", "101%", "-1%", "80", "8.5%", "80 %", "300%"} {
		if got, ok := parsePercent(text); ok {
			t.Errorf("parsePercent(%q) = %d", text, got)
		}
	}
}

func TestFormatSize(t *testing.T) {
	tests := map[int64]string{
		0: "0B", 1023: "1023B", 1024: "1KB", 1536: "1.5KB", 2 << 30: "2GB",
		3 << 29: "1.5GB", 1<<63 - 1: "8388608TB",
	}
	for bytes, want := range tests {
		if got := FormatSize(bytes); got != want {
			t.Errorf("FormatSize(%d) = %q, want %q", bytes, got, want)
		}
	}
}

func TestParseAddresses(t *testing.T) {
	tests := map[string]string{
		"127.0.0.1": "127.0.0.1", "127.0.0.1 ::1": "127.0.0.1 ::1", "127.0.0.1, ::1,": "127.0.0.1 ::1",
		"*": "0.0.0.0", "::*": "::", "* ::*": "0.0.0.0 ::", "[::1]": "::1", "localhost": "localhost",
		"cache-1.example.com": "cache-1.example.com",
		"":                    "", " , ": "", "127.0.0.256": "", "127.0.0.1:6379": "", "localhost:1": "",
		"-::*": "", "1.2.3": "", "a;b": "", "::g": "", "-x": "",
	}
	for text, want := range tests {
		var v Values
		err := addresses().set(&v, text)
		if got := addresses().get(&v); got != want || (err != nil) != (want == "") {
			t.Errorf("addresses %q = %q, %v, want %q", text, got, err, want)
		}
	}
}
