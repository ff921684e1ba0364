package rdb

import "strconv"

// Type is the type of a value as it is encoded.
type Type uint8

// The encodings. Those that only are skipped have no name outside.
const (
	String Type = 0
	list   Type = 1
	Set    Type = 2
	zset   Type = 3
	Hash   Type = 4
	zset2  Type = 5

	module       Type = 6
	module2      Type = 7
	HashZipmap   Type = 9
	listZiplist  Type = 10
	SetIntset    Type = 11
	zsetZiplist  Type = 12
	HashZiplist  Type = 13
	quicklist    Type = 14
	stream1      Type = 15
	HashListpack Type = 16
	zsetListpack Type = 17
	quicklist2   Type = 18
	stream2      Type = 19
	SetListpack  Type = 20
	stream3      Type = 21
)

// encoding is what there is to know of a Type.
type encoding struct {
	name  string // of the type of the values, as Redis calls it
	words int    // strings of which an element consists; 0 if the values cannot be decoded
	form  form
	each  unpacker // of packed values
}

// form says how the elements of a value are encoded.
type form uint8

const (
	single  form = iota // one string, which is the value
	counted             // the number of elements, and then their words by turns
	packed              // all elements in one string
)

// unpacker calls fn for each element of a packed value until it returns an error, and returns how
// often it did. errPacked says that the bytes are not what they should be.
type unpacker func(d *Decoder, b []byte, words int, fn func(words [][]byte) error) (n int, err error)

var encodings = [...]encoding{
	String: {name: "string", words: 1},
	list:   {name: "list"},
	Set:    {name: "set", words: 1, form: counted},
	zset:   {name: "zset"},
	Hash:   {name: "hash", words: 2, form: counted},
	zset2:  {name: "zset"},

	module:       {name: "module"},
	module2:      {name: "module"},
	HashZipmap:   {name: "hash", words: 2, form: packed, each: eachZipmap},
	listZiplist:  {name: "list"},
	SetIntset:    {name: "set", words: 1, form: packed, each: eachInteger},
	zsetZiplist:  {name: "zset"},
	HashZiplist:  {name: "hash", words: 2, form: packed, each: eachZiplist},
	quicklist:    {name: "list"},
	stream1:      {name: "stream"},
	HashListpack: {name: "hash", words: 2, form: packed, each: eachListpack},
	zsetListpack: {name: "zset"},
	quicklist2:   {name: "list"},
	stream2:      {name: "stream"},
	SetListpack:  {name: "set", words: 1, form: packed, each: eachListpack},
	stream3:      {name: "stream"},
}

// encoding returns what is known of the type; of one that is not known it is nothing.
func (t Type) encoding() encoding {
	if int(t) < len(encodings) {
		return encodings[t]
	}
	return encoding{}
}

// Name returns what Redis calls the type.
func (t Type) Name() string {
	if name := t.encoding().name; name != "" {
		return name
	}
	return "type " + strconv.Itoa(int(t))
}

// Decodable reports whether a Decoder can read values of the type.
func (t Type) Decodable() bool { return t.encoding().words > 0 }

// Library stands for the type of a library of functions.
const Library = "library of functions"
