//! The texts of the option table as C strings, made once and kept for ever.

use std::collections::BTreeMap;
use std::ffi::CString;

use once_cell::sync::Lazy;

use crate::api::{Config, OptionSpec, OptionValue};

/// C forms of one option's texts.
pub(super) struct Texts {
    pub(super) name: CString,
    pub(super) doc: CString,
    pub(super) default: CString,
    pub(super) since: CString,
}

/// Made from the constant table, never changed.
static TEXTS: Lazy<BTreeMap<u32, Texts>> = Lazy::new(|| {
    let mut out = BTreeMap::new();
    let mut id = 0;
    while let Some(spec) = Config::option_after(id) {
        id = spec.id;
        out.insert(id, texts(spec));
    }
    out
});

fn texts(spec: &OptionSpec) -> Texts {
    let c = |text: Vec<u8>| CString::new(text).unwrap_or_default();
    let default = match Config::new().get(spec.id) {
        Ok(OptionValue::Int(v)) => v.to_string().into_bytes(),
        Ok(OptionValue::Bool(v)) => v.to_string().into_bytes(),
        Ok(OptionValue::Double(v)) => v.to_string().into_bytes(),
        Ok(OptionValue::Bytes(v)) => v,
        Err(_) => Vec::new(),
    };
    Texts {
        name: c(spec.name.into()),
        doc: c(spec.doc.into()),
        default: c(default),
        since: c(spec.since.into()),
    }
}

/// The texts of the option with this number.
pub(super) fn of(id: u32) -> Option<&'static Texts> {
    TEXTS.get(&id)
}
