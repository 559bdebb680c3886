//! The option table: one place that names every option of a session, with type, range, default,
//! documentation. The C constants, `docs/options.md`, the Python keywords and the Perl keys are
//! generated from it (`cargo run -p xtask -- header`).
//!
//! Ids below 6000 are grouped by type, a thousand each; later ones are not. They are never used
//! again. Deliberately absent:
//! defaults (those are [`Settings::default`]) and the meaning of options (that is their users').

mod table;

use super::settings::Settings;

pub use table::TABLE;

/// One option.
pub struct OptionSpec {
    /// Stable number: 1000.. integers, 2000.. booleans, 3000.. texts, 4000.. bytes, 5000.. doubles;
    /// 6000.. of any type.
    pub id: u32,
    /// Stable name.
    pub name: &'static str,
    /// Whether it may change in a running session.
    pub live: bool,
    /// First version that has it.
    pub since: &'static str,
    /// Type, range, and where it lives in [`Settings`].
    pub access: Access,
    /// One line of documentation, with the unit.
    pub doc: &'static str,
}

/// Typed access to an option's place in [`Settings`].
pub enum Access {
    /// Integer between the two bounds.
    Int(i64, i64, fn(&Settings) -> i64, fn(&mut Settings, i64)),
    /// Yes or no.
    Bool(fn(&Settings) -> bool, fn(&mut Settings, bool)),
    /// UTF-8 of at most so many bytes; the setter may refuse with a reason.
    Str(usize, fn(&Settings) -> Vec<u8>, fn(&mut Settings, &str) -> Result<(), &'static str>),
    /// Bytes of a path, as the system has them.
    Path(usize, fn(&Settings) -> Vec<u8>, fn(&mut Settings, &[u8])),
    /// Bytes, at most so many.
    Bytes(usize, fn(&Settings) -> Vec<u8>, fn(&mut Settings, &[u8])),
}

/// A value of an option.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    /// Integer.
    Int(i64),
    /// Yes or no.
    Bool(bool),
    /// Text (or a path) and bytes.
    Bytes(Vec<u8>),
    /// Floating point; no option uses it yet.
    Double(f64),
}

/// Why an option was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionError {
    /// No such option.
    Unknown,
    /// The option has another type.
    Type,
    /// Out of range, or too long.
    Range,
    /// Not well formed, with the reason.
    Invalid(&'static str),
}

impl core::fmt::Display for OptionError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no such option",
            Self::Type => "the option has another type",
            Self::Range => "value out of range",
            Self::Invalid(reason) => reason,
        })
    }
}

impl core::error::Error for OptionError {}

/// The option with this id.
#[must_use]
pub fn by_id(id: u32) -> Option<&'static OptionSpec> {
    TABLE.iter().find(|spec| spec.id == id)
}

/// The option with this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static OptionSpec> {
    TABLE.iter().find(|spec| spec.name == name)
}

/// The option after `id` in table order; 0 gives the first.
#[must_use]
pub fn next(id: u32) -> Option<&'static OptionSpec> {
    if id == 0 {
        return TABLE.first();
    }
    let at = TABLE.iter().position(|spec| spec.id == id)?;
    TABLE.get(at + 1)
}

impl OptionSpec {
    /// Name of the type, as in the generated files: `int`, `bool`, `str`, `bytes`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.access {
            Access::Int(..) => "int",
            Access::Bool(..) => "bool",
            Access::Str(..) | Access::Path(..) => "str",
            Access::Bytes(..) => "bytes",
        }
    }

    /// Smallest and largest value of an integer; 0 and the longest length of the others.
    #[must_use]
    pub fn range(&self) -> (i64, i64) {
        let len = |max: usize| (0, i64::try_from(max).unwrap_or(i64::MAX));
        match self.access {
            Access::Int(min, max, ..) => (min, max),
            Access::Bool(..) => (0, 1),
            Access::Str(max, ..) | Access::Path(max, ..) | Access::Bytes(max, ..) => len(max),
        }
    }

    /// The present value.
    #[must_use]
    pub fn get(&self, settings: &Settings) -> OptionValue {
        match self.access {
            Access::Int(_, _, get, _) => OptionValue::Int(get(settings)),
            Access::Bool(get, _) => OptionValue::Bool(get(settings)),
            Access::Str(_, get, _) | Access::Path(_, get, _) | Access::Bytes(_, get, _) => {
                OptionValue::Bytes(get(settings))
            }
        }
    }

    /// Sets it. On an error nothing changes.
    pub fn set(&self, settings: &mut Settings, value: &OptionValue) -> Result<(), OptionError> {
        match (&self.access, value) {
            (Access::Int(min, max, _, set), OptionValue::Int(v)) => {
                if v < min || v > max {
                    return Err(OptionError::Range);
                }
                set(settings, *v);
            }
            (Access::Bool(_, set), OptionValue::Bool(v)) => set(settings, *v),
            (Access::Str(max, _, set), OptionValue::Bytes(v)) => {
                let text = core::str::from_utf8(v)
                    .map_err(|_| OptionError::Invalid("the text is not UTF-8"))?;
                if text.len() > *max {
                    return Err(OptionError::Range);
                }
                set(settings, text).map_err(OptionError::Invalid)?;
            }
            (Access::Path(max, _, set) | Access::Bytes(max, _, set), OptionValue::Bytes(v)) => {
                if v.len() > *max {
                    return Err(OptionError::Range);
                }
                set(settings, v);
            }
            _ => return Err(OptionError::Type),
        }
        Ok(())
    }

    /// The value that `text` stands for: a decimal number, `true`/`false`/`1`/`0`, or the bytes.
    pub fn parse(&self, text: &str) -> Result<OptionValue, OptionError> {
        match self.access {
            Access::Int(..) => text
                .trim()
                .parse()
                .map(OptionValue::Int)
                .map_err(|_| OptionError::Invalid("not a decimal number")),
            Access::Bool(..) => match text.trim() {
                "1" | "true" | "yes" | "on" => Ok(OptionValue::Bool(true)),
                "0" | "false" | "no" | "off" => Ok(OptionValue::Bool(false)),
                _ => Err(OptionError::Invalid("not true or false")),
            },
            _ => Ok(OptionValue::Bytes(text.as_bytes().to_vec())),
        }
    }
}

#[cfg(test)]
mod tests;
