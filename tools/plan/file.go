package plan

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/pelletier/go-toml/v2"
)

// itemsFile is a file of items. Values are text as ParseItem reads it, or whole
// numbers.
type itemsFile struct {
	Item []map[string]any `toml:"item"`
}

// ParseItems reads what is in a file of items, in TOML. Errors are one line and
// name the file.
func ParseItems(name string, data []byte) ([]Item, error) {
	var file itemsFile
	if err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&file); err != nil {
		return nil, itemsError(name, err)
	}
	if len(file.Item) == 0 {
		return nil, fmt.Errorf("%s: no [[item]]", name)
	}
	var items []Item
	for i, table := range file.Item {
		it, err := itemOf(table)
		if err != nil {
			return nil, fmt.Errorf("%s: item %d: %w", name, i+1, err)
		}
		items = append(items, it)
	}
	return items, nil
}

// itemsError adds the line to an error of the TOML decoder.
func itemsError(name string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		line, _ := strict.Errors[0].Position()
		return fmt.Errorf("%s:%d: there is only [[item]]", name, line)
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		line, _ := decode.Position()
		return fmt.Errorf("%s:%d: %w", name, line, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

func itemOf(table map[string]any) (Item, error) {
	options := map[string]string{}
	for key, value := range table {
		switch value := value.(type) {
		case string:
			options[key] = value
		case int64:
			options[key] = strconv.FormatInt(value, 10)
		default:
			return Item{}, fmt.Errorf("%s: want text in quotes or a whole number", key)
		}
	}
	name, ok := options["name"]
	if !ok {
		return Item{}, errors.New("name: is missing")
	}
	delete(options, "name")
	it, err := NewItem(name, options)
	if err != nil {
		return it, fmt.Errorf("%q: %w", name, err)
	}
	return it, nil
}
