package chain

// Value is a JSON value as the tolerant reader found it: nil, bool, string, Number (canonical spelling),
// []Value, or Object.
type Value any

// Object is a JSON object, members in order of appearance, keys unique.
type Object []Member

// Member is a key of an Object and its value.
type Member struct {
	Key   string
	Value Value
}

// Get returns the value of key, matched by exact case.
func (o Object) Get(key string) (Value, bool) { panic("skeleton") }

// Read parses any JSON text within the limits of the tolerant reader; its error is a *SyntaxError.
func Read(data []byte) (Value, error) { panic("skeleton") }

// AppendValue appends v as json.dumps(v, sort_keys=True) prints it.
func AppendValue(dst []byte, v Value) []byte { panic("skeleton") }

// AppendString appends s as a canonical JSON string, quotes included.
func AppendString(dst []byte, s string) []byte { panic("skeleton") }

// AppendFloat appends f (finite) as Python's repr prints it.
func AppendFloat(dst []byte, f float64) []byte { panic("skeleton") }

// AppendCompact appends canonical with the spaces after ',' and ':' outside strings left out: Flask's spelling.
func AppendCompact(dst, canonical []byte) []byte { panic("skeleton") }
