package client

import (
	"strconv"
	"strings"
)

// Info returns the fields of a section of INFO that are whole numbers.
func (c *Conn) Info(section string) (map[string]int64, error) {
	r, err := c.Do("INFO", section)
	if err != nil {
		return nil, err
	}
	fields := map[string]int64{}
	for line := range strings.Lines(r.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			fields[name] = n
		}
	}
	return fields, nil
}
