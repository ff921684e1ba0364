package engine

// OpenArena is Open with a limit for the arena alone, so that tests do not depend on what else the process holds.
func OpenArena(o Options) (*Store, error) { return open(o, true) }

// Reclaim does up to n steps of the reclaimer's work in every shard, needed or not. What the policy gives up goes.
func (s *Store) Reclaim(n int) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for range n {
			if !sh.reclaim(s.Policy(), s.Weight()) {
				break
			}
		}
		sh.mu.Unlock()
	}
}
