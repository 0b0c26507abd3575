package chain

// Trim does what Run does when there are too many side blocks.
func (c *Chain) Trim() error { return c.trim() }
