package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/pelletier/go-toml/v2"

	"github.com/redistill/redistill/internal/plan"
)

// itemsFile is a file of items. Values are as text in --item, or whole numbers.
type itemsFile struct {
	Item []map[string]any `toml:"item"`
}

// readItems reads a file of items. Errors are one line and name the file.
func readItems(name string) ([]plan.Item, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--items: %w", err)
	}
	var file itemsFile
	if err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&file); err != nil {
		return nil, itemsError(name, err)
	}
	if len(file.Item) == 0 {
		return nil, fmt.Errorf("%s: no [[item]]", name)
	}
	var items []plan.Item
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

func itemOf(table map[string]any) (plan.Item, error) {
	options := map[string]string{}
	for key, value := range table {
		switch value := value.(type) {
		case string:
			options[key] = value
		case int64:
			options[key] = strconv.FormatInt(value, 10)
		default:
			return plan.Item{}, fmt.Errorf("%s: want text in quotes or a whole number", key)
		}
	}
	name, ok := options["name"]
	if !ok {
		return plan.Item{}, errors.New("name: is missing")
	}
	delete(options, "name")
	it, err := plan.NewItem(name, options)
	if err != nil {
		return it, fmt.Errorf("%q: %w", name, err)
	}
	return it, nil
}
