//! Python pickles, read as data. Nothing is imported, constructed or called: a class or function is
//! a name, and what would be an object is that name with the state it would have got.
//!
//! Enough of protocols 0 to 5 for plain objects, dictionaries, lists, tuples, text and numbers, as
//! Python 2 and 3 write them. Values live in an arena and refer to each other by index, as
//! pickles share values; a cycle is possible and harmless, since nothing here follows references
//! without being told to.
//!
//! Deliberately absent: sets, persistent ids, extension codes, out-of-band buffers.

use super::ClientError;

/// Most values: memory eaten by one-byte opcodes.
const VALUES: usize = 4_000_000;

/// A value's place in its [`Pickle`].
pub type Id = usize;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `None`.
    None,
    /// True or false.
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text or bytes.
    Bytes(Vec<u8>),
    /// A list or tuple.
    List(Vec<Id>),
    /// A dictionary, in order.
    Dict(Vec<(Id, Id)>),
    /// A class or function: `module name`.
    Global(String),
    /// An object of a class with what it was built from.
    Object {
        /// A [`Node::Global`].
        class: Id,
        /// Its attributes, if it got some.
        state: Option<Id>,
    },
}

/// A pickle that was read.
#[derive(Clone, Debug)]
pub struct Pickle {
    nodes: Vec<Node>,
    root: Id,
}

impl Pickle {
    /// Reads a pickle.
    ///
    /// # Errors
    /// When it ends early, is inconsistent, or needs an opcode that plain data does not.
    pub fn parse(data: &[u8]) -> Result<Self, ClientError> {
        let mut machine = Machine { data, ..Machine::default() };
        let root = machine
            .run()
            .map_err(|what| ClientError::new(format!("pickle byte {}", machine.at), what))?;
        Ok(Self { nodes: machine.nodes, root })
    }

    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Id {
        self.root
    }

    /// A value.
    #[must_use]
    pub fn node(&self, id: Id) -> &Node {
        self.nodes.get(id).unwrap_or(&Node::None)
    }

    /// The attribute of an object, or the entry of a dictionary.
    #[must_use]
    pub fn get(&self, id: Id, key: &str) -> Option<Id> {
        let entries = match self.node(id) {
            Node::Object { state: Some(state), .. } => match self.node(*state) {
                Node::Dict(entries) => entries,
                _ => return None,
            },
            Node::Dict(entries) => entries,
            _ => return None,
        };
        let named = |id: Id| matches!(self.node(id), Node::Bytes(b) if b == key.as_bytes());
        entries.iter().rev().find(|(name, _)| named(*name)).map(|(_, value)| *value)
    }

    /// The items of a list or tuple.
    #[must_use]
    pub fn items(&self, id: Id) -> &[Id] {
        match self.node(id) {
            Node::List(items) => items,
            _ => &[],
        }
    }
}

#[derive(Default)]
struct Machine<'a> {
    data: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    stack: Vec<Id>,
    /// Stack heights at the marks.
    marks: Vec<usize>,
    memo: std::collections::BTreeMap<u64, Id>,
}

type Step<T = ()> = Result<T, &'static str>;

impl<'a> Machine<'a> {
    fn run(&mut self) -> Step<Id> {
        loop {
            let op = self.byte()?;
            if op == b'.' {
                return self.pop();
            }
            if !(self.scalar(op)? || self.container(op)? || self.object(op)? || self.memory(op)?) {
                self.at -= 1;
                return Err("an opcode that plain data does not need");
            }
        }
    }

    fn byte(&mut self) -> Step<u8> {
        let byte = self.data.get(self.at).copied().ok_or("the pickle ends early")?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, count: u64) -> Step<&'a [u8]> {
        let count = usize::try_from(count).map_err(|_| "too long")?;
        let end = self.at.checked_add(count).ok_or("too long")?;
        let raw = self.data.get(self.at..end).ok_or("the pickle ends early")?;
        self.at = end;
        Ok(raw)
    }

    /// A little-endian number.
    fn number(&mut self, bytes: u64) -> Step<u64> {
        let raw = self.take(bytes)?;
        Ok(raw.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }

    /// Text up to the end of the line.
    fn line(&mut self) -> Step<&'a [u8]> {
        let rest = self.data.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|b| *b == b'\n').ok_or("the pickle ends early")?;
        self.at += end + 1;
        Ok(rest.get(..end).unwrap_or_default())
    }

    fn decimal(&mut self) -> Step<i64> {
        let line = self.line()?;
        let line = line.strip_suffix(b"L").unwrap_or(line);
        let text = core::str::from_utf8(line).ok();
        text.and_then(|t| t.trim().parse().ok()).ok_or("not a number")
    }

    fn make(&mut self, node: Node) -> Step<Id> {
        if self.nodes.len() >= VALUES {
            return Err("too many values");
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    fn push(&mut self, node: Node) -> Step<bool> {
        let id = self.make(node)?;
        self.stack.push(id);
        Ok(true)
    }

    fn pop(&mut self) -> Step<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err("nothing on the stack");
        }
        self.stack.pop().ok_or("nothing on the stack")
    }

    fn top(&self) -> Step<Id> {
        self.stack.last().copied().ok_or("nothing on the stack")
    }

    /// What is above the last mark.
    fn marked(&mut self) -> Step<Vec<Id>> {
        let mark = self.marks.pop().ok_or("no mark")?;
        if mark > self.stack.len() {
            return Err("a mark above the stack");
        }
        Ok(self.stack.split_off(mark))
    }

    fn bytes(&mut self, size: u64) -> Step<bool> {
        let length = self.number(size)?;
        let raw = self.take(length)?.to_vec();
        self.push(Node::Bytes(raw))
    }

    /// Numbers, text, constants.
    fn scalar(&mut self, op: u8) -> Step<bool> {
        match op {
            b'N' => self.push(Node::None),
            0x88 | 0x89 => self.push(Node::Bool(op == 0x88)),
            b'J' => {
                let raw = u32::try_from(self.number(4)?).unwrap_or(0);
                self.push(Node::Int(i64::from(raw.cast_signed())))
            }
            b'K' => self.small(1),
            b'M' => self.small(2),
            b'I' | b'L' => match self.data.get(self.at..self.at + 3) {
                // How protocol 0 says true and false.
                Some(b"00\n" | b"01\n") if op == b'I' => {
                    let value = self.line()? == b"01";
                    self.push(Node::Bool(value))
                }
                _ => {
                    let value = self.decimal()?;
                    self.push(Node::Int(value))
                }
            },
            0x8a => {
                let length = self.number(1)?;
                let raw = self.take(length)?;
                self.push(Node::Int(long(raw)?))
            }
            b'F' => {
                let text = core::str::from_utf8(self.line()?).ok();
                let value = text.and_then(|t| t.trim().parse().ok()).ok_or("not a number")?;
                self.push(Node::Float(value))
            }
            b'G' => {
                let raw = <[u8; 8]>::try_from(self.take(8)?).unwrap_or_default();
                self.push(Node::Float(f64::from_be_bytes(raw)))
            }
            b'T' | b'X' | b'B' => self.bytes(4),
            b'U' | 0x8c | b'C' => self.bytes(1),
            0x8d | 0x8e | 0x96 => self.bytes(8),
            b'S' | b'V' => {
                let raw = unquote(self.line()?, op == b'S');
                self.push(Node::Bytes(raw))
            }
            _ => Ok(false),
        }
    }

    fn small(&mut self, bytes: u64) -> Step<bool> {
        let value = self.number(bytes)?;
        self.push(Node::Int(i64::try_from(value).unwrap_or(0)))
    }

    /// Lists, tuples, dictionaries.
    fn container(&mut self, op: u8) -> Step<bool> {
        match op {
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(true)
            }
            b']' | b')' => self.push(Node::List(Vec::new())),
            b'}' => self.push(Node::Dict(Vec::new())),
            b'l' | b't' => {
                let items = self.marked()?;
                self.push(Node::List(items))
            }
            0x85..=0x87 => {
                let mut items = Vec::new();
                for _ in 0x84..op {
                    items.push(self.pop()?);
                }
                items.reverse();
                self.push(Node::List(items))
            }
            b'd' => {
                let items = self.marked()?;
                self.push(Node::Dict(pairs(&items)?))
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])
            }
            b'e' => {
                let items = self.marked()?;
                self.extend(items)
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set(vec![(key, value)])
            }
            b'u' => {
                let items = self.marked()?;
                self.set(pairs(&items)?)
            }
            _ => Ok(false),
        }
    }

    fn extend(&mut self, items: Vec<Id>) -> Step<bool> {
        let list = self.top()?;
        match self.nodes.get_mut(list) {
            Some(Node::List(into)) => into.extend(items),
            _ => return Err("not a list"),
        }
        Ok(true)
    }

    fn set(&mut self, entries: Vec<(Id, Id)>) -> Step<bool> {
        let dict = self.top()?;
        match self.nodes.get_mut(dict) {
            Some(Node::Dict(into)) => into.extend(entries),
            _ => return Err("not a dictionary"),
        }
        Ok(true)
    }

    /// Classes and what would be made of them.
    fn object(&mut self, op: u8) -> Step<bool> {
        match op {
            b'c' => {
                let name = self.global()?;
                self.push(Node::Global(name))
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let text = |id: Id| match self.nodes.get(id) {
                    Some(Node::Bytes(raw)) => super::text(raw),
                    _ => String::new(),
                };
                let name = format!("{} {}", text(module), text(name));
                self.push(Node::Global(name))
            }
            b'i' => {
                let name = self.global()?;
                self.marked()?;
                let class = self.make(Node::Global(name))?;
                self.push(Node::Object { class, state: None })
            }
            b'o' => {
                let items = self.marked()?;
                let class = *items.first().ok_or("no class")?;
                self.push(Node::Object { class, state: None })
            }
            0x81 | b'R' => {
                let (args, callable) = (self.pop()?, self.pop()?);
                let class = self.class_of(callable, args);
                self.push(Node::Object { class, state: None })
            }
            0x92 => {
                let (_, _, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.push(Node::Object { class, state: None })
            }
            b'b' => {
                let state = self.pop()?;
                let object = self.top()?;
                if let Some(Node::Object { state: slot, .. }) = self.nodes.get_mut(object) {
                    *slot = Some(state);
                    return Ok(true);
                }
                Err("not an object")
            }
            _ => Ok(false),
        }
    }

    fn global(&mut self) -> Step<String> {
        let module = super::text(self.line()?);
        let name = super::text(self.line()?);
        Ok(format!("{module} {name}"))
    }

    /// Python 2 made plain objects by a function whose first argument is the class.
    fn class_of(&self, callable: Id, args: Id) -> Id {
        let rebuilds = matches!(self.nodes.get(callable),
            Some(Node::Global(name)) if name.ends_with(" _reconstructor"));
        match self.nodes.get(args) {
            Some(Node::List(items)) if rebuilds => items.first().copied().unwrap_or(callable),
            _ => callable,
        }
    }

    /// The memo, and opcodes without a value.
    fn memory(&mut self, op: u8) -> Step<bool> {
        match op {
            0x80 => {
                let protocol = self.byte()?;
                if protocol > 5 {
                    return Err("a newer protocol");
                }
            }
            0x95 => _ = self.take(8)?,
            b'0' => _ = self.pop()?,
            b'1' => _ = self.marked()?,
            b'2' => self.stack.push(self.top()?),
            b'q' | b'r' | b'p' | 0x94 => {
                let slot = match op {
                    b'q' => self.number(1)?,
                    b'r' => self.number(4)?,
                    b'p' => u64::try_from(self.decimal()?).map_err(|_| "not a place")?,
                    _ => u64::try_from(self.memo.len()).unwrap_or(u64::MAX),
                };
                self.memo.insert(slot, self.top()?);
            }
            b'h' | b'j' | b'g' => {
                let slot = match op {
                    b'h' => self.number(1)?,
                    b'j' => self.number(4)?,
                    _ => u64::try_from(self.decimal()?).map_err(|_| "not a place")?,
                };
                self.stack.push(*self.memo.get(&slot).ok_or("nothing was put there")?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn pairs(items: &[Id]) -> Step<Vec<(Id, Id)>> {
    let (pairs, rest) = items.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|[k, v]| (*k, *v)).collect())
    } else {
        Err("odd keys")
    }
}

/// Two's complement, little-endian, of any length.
fn long(raw: &[u8]) -> Step<i64> {
    if raw.len() > 8 {
        return Err("a number that does not fit");
    }
    let fill = if raw.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
    let mut full = [fill; 8];
    for (to, from) in full.iter_mut().zip(raw) {
        *to = *from;
    }
    Ok(i64::from_le_bytes(full))
}

/// The escapes of protocol 0: `\n`, `\\`, `\'`, `\xNN`, and `\uNNNN` in text.
fn unquote(line: &[u8], quoted: bool) -> Vec<u8> {
    let line = if quoted {
        let inner = line.get(1..line.len().saturating_sub(1));
        inner.unwrap_or_default()
    } else {
        line
    };
    let hex = |digits: Option<&[u8]>| {
        let text = core::str::from_utf8(digits?).ok()?;
        u32::from_str_radix(text, 16).ok()
    };
    let mut out = Vec::with_capacity(line.len());
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        at += 1;
        if *byte != b'\\' {
            if quoted || byte.is_ascii() {
                out.push(*byte);
            } else {
                // Text outside ASCII is Latin-1 here.
                let mut utf8 = [0; 4];
                out.extend_from_slice(char::from(*byte).encode_utf8(&mut utf8).as_bytes());
            }
            continue;
        }
        let kind = line.get(at).copied().unwrap_or(b'\\');
        at += 1;
        let code = match kind {
            b'x' => (hex(line.get(at..at + 2)), 2),
            b'u' if !quoted => (hex(line.get(at..at + 4)), 4),
            b'U' if !quoted => (hex(line.get(at..at + 8)), 8),
            _ => (None, 0),
        };
        match (code, kind) {
            ((Some(code), digits), _) => {
                at += digits;
                match (quoted, u8::try_from(code)) {
                    (true, Ok(byte)) => out.push(byte),
                    _ => {
                        let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
            }
            (_, b'n') => out.push(b'\n'),
            (_, b'r') => out.push(b'\r'),
            (_, b't') => out.push(b'\t'),
            (_, other) => out.push(other),
        }
    }
    out
}
