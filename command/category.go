package command

// Category is a set of ACL categories.
type Category uint32

// The ACL categories, in Redis's order.
const (
	CatKeyspace Category = 1 << iota
	CatRead
	CatWrite
	CatSet
	CatSortedSet
	CatList
	CatHash
	CatString
	CatBitmap
	CatHyperLogLog
	CatGeo
	CatStream
	CatPubSub
	CatAdmin
	CatFast
	CatSlow
	CatBlocking
	CatDangerous
	CatConnection
	CatTransaction
	CatScripting
)

var categoryNames = []string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream", "pubsub",
	"admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
}

var groupCategories = map[Group]Category{
	Connection: CatConnection, Generic: CatKeyspace, Strings: CatString, Hashes: CatHash, Sets: CatSet,
	Transactions: CatTransaction,
}

// categories returns the row's own categories with those that its flags and group imply, by Redis's rules. A mere container has no
// group's.
func (c *Command) categories() Category {
	cat := c.Categories
	if c.Run != nil {
		cat |= groupCategories[c.Group]
	}
	for _, rule := range []struct {
		flag Flag
		cat  Category
	}{{Write, CatWrite}, {Admin, CatAdmin | CatDangerous}, {PubSub, CatPubSub}, {Fast, CatFast}, {Blocking, CatBlocking}} {
		if c.Flags&rule.flag != 0 {
			cat |= rule.cat
		}
	}
	if c.Flags&ReadOnly != 0 && cat&CatScripting == 0 {
		cat |= CatRead
	}
	if cat&CatFast == 0 {
		cat |= CatSlow
	}
	return cat
}
