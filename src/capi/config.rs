//! Options: a builder for values, and the table that describes them.

use core::ffi::{CStr, c_char};
use std::collections::BTreeMap;

use super::consts::*;
use super::convert::{Sized32, Terminated, bytes, put, put_sized, text};
use super::guard::{self, entry};
use super::object::{self, Opaque, get, get_mut};
use super::options_text;
use super::types::*;
use crate::api::{Config, Error, ErrorKind, OptionSpec, OptionValue};

/// A config and the texts lent from it.
pub(super) struct Values {
    pub(super) config: Config,
    texts: BTreeMap<u32, Terminated>,
}

impl Opaque for tern_config {
    type Inner = Values;
    const MAGIC: u32 = 0x7465_4302;
}

// SAFETY: plain data, `repr(C)`, the size is first.
unsafe impl Sized32 for tern_option_info {}

impl Values {
    pub(super) fn new(config: Config) -> Self {
        let mut values = Self { config, texts: BTreeMap::new() };
        values.changed();
        values
    }

    fn set(&mut self, id: u32, value: &OptionValue) -> Result<(), Error> {
        self.config.set(id, value)?;
        self.lend(id);
        Ok(())
    }

    /// Anything may have changed.
    fn changed(&mut self) {
        let mut id = 0;
        while let Some(spec) = Config::option_after(id) {
            id = spec.id;
            self.lend(id);
        }
    }

    /// Keeps the C form of a text or bytes option, unless the one lent is still right.
    fn lend(&mut self, id: u32) {
        if let Ok(OptionValue::Bytes(value)) = self.config.get(id)
            && self.texts.get(&id).is_none_or(|t| t.bytes() != value)
        {
            self.texts.insert(id, Terminated::new(value));
        }
    }

    fn view(&self, id: u32) -> Result<tern_bytes, Error> {
        self.texts.get(&id).map(Terminated::view).ok_or_else(|| other_type(id))
    }
}

/// Refuses an option of another type; `set_str` and `set_bytes` look the same otherwise.
fn only(id: u32, type_name: &str) -> Result<(), Error> {
    let spec = Config::option_by_id(id).ok_or(ErrorKind::UnknownOption)?;
    if spec.type_name() == type_name { Ok(()) } else { Err(other_type(id)) }
}

fn other_type(id: u32) -> Error {
    Error::from(ErrorKind::Type).of_option(id)
}

fn describe(spec: &OptionSpec) -> Result<tern_option_info, Error> {
    let texts = options_text::of(spec.id).ok_or(ErrorKind::UnknownOption)?;
    let value_type = match spec.type_name() {
        "int" => TERN_OPTION_TYPE_INT,
        "bool" => TERN_OPTION_TYPE_BOOL,
        "str" => TERN_OPTION_TYPE_STR,
        _ => TERN_OPTION_TYPE_BYTES,
    };
    let (min, max) = spec.range();
    let ptr = |text: &'static CStr| text.as_ptr();
    Ok(tern_option_info {
        struct_size: 0,
        id: spec.id,
        value_type,
        live: i32::from(spec.live),
        name: ptr(&texts.name),
        doc: ptr(&texts.doc),
        default_text: ptr(&texts.default),
        since: ptr(&texts.since),
        min,
        max,
    })
}

/// An empty set of option values: everything default. NULL only after a defect of the library.
///
/// Ownership: the caller frees it with `tern_config_free`; sessions copy it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_new() -> *mut tern_config {
    guard::value(entry!("tern_config_new"), std::ptr::null_mut(), || {
        Ok(object::unique(Values::new(Config::new())))
    })
}

/// Frees a config. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_free(config: *mut tern_config) {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_config_free"), (), || unsafe { object::free(config) })
}

/// Sets an integer option. `TERN_E_UNKNOWN_OPTION`, `TERN_E_TYPE`, `TERN_E_RANGE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_set_int(
    config: *mut tern_config,
    option: u32,
    value: i64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_config_set_int"), err, || unsafe {
        get_mut(config)?.set(option, &OptionValue::Int(value))?;
        Ok(())
    })
}

/// Sets a yes-or-no option: 0 is no, everything else is yes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_set_bool(
    config: *mut tern_config,
    option: u32,
    value: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_config_set_bool"), err, || unsafe {
        get_mut(config)?.set(option, &OptionValue::Bool(value != 0))?;
        Ok(())
    })
}

/// Sets a text option. The text is UTF-8 and copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_set_str(
    config: *mut tern_config,
    option: u32,
    value: *const c_char,
    value_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_config_set_str"), err, || unsafe {
        only(option, "str")?;
        let value = bytes(value.cast(), value_len)?;
        get_mut(config)?.set(option, &OptionValue::Bytes(value.to_vec()))?;
        Ok(())
    })
}

/// Sets a bytes option. The bytes are copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_set_bytes(
    config: *mut tern_config,
    option: u32,
    value: *const u8,
    value_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_config_set_bytes"), err, || unsafe {
        only(option, "bytes")?;
        let value = bytes(value, value_len)?;
        get_mut(config)?.set(option, &OptionValue::Bytes(value.to_vec()))?;
        Ok(())
    })
}

/// Sets a floating point option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_set_double(
    config: *mut tern_config,
    option: u32,
    value: f64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_config_set_double"), err, || unsafe {
        get_mut(config)?.set(option, &OptionValue::Double(value))?;
        Ok(())
    })
}

/// Sets an option of any type by name from text: a decimal number; `true`, `false`, `1`, `0`;
/// text and bytes as they are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_set_text(
    config: *mut tern_config,
    name: *const c_char,
    name_len: usize,
    value: *const c_char,
    value_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_config_set_text"), err, || unsafe {
        let (name, value) = (text(name, name_len)?, text(value, value_len)?);
        let values = get_mut(config)?;
        values.config.set_text(name, value)?;
        values.changed();
        Ok(())
    })
}

/// Reads an integer option (its default when it was not set).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_get_int(
    config: *const tern_config,
    option: u32,
    out: *mut i64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_config_get_int"), err, || unsafe {
        match get(config)?.config.get(option)? {
            OptionValue::Int(value) => put(out, value)?,
            _ => return Err(other_type(option)),
        }
        Ok(())
    })
}

/// Reads a yes-or-no option as 1 or 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_get_bool(
    config: *const tern_config,
    option: u32,
    out: *mut i32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_config_get_bool"), err, || unsafe {
        match get(config)?.config.get(option)? {
            OptionValue::Bool(value) => put(out, i32::from(value))?,
            _ => return Err(other_type(option)),
        }
        Ok(())
    })
}

/// Reads a text option. Lives until the option is set again or the config is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_get_str(
    config: *const tern_config,
    option: u32,
    out: *mut tern_bytes,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_config_get_str"), err, || unsafe {
        only(option, "str")?;
        put(out, get(config)?.view(option)?)?;
        Ok(())
    })
}

/// Reads a bytes option. Lives until the option is set again or the config is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_get_bytes(
    config: *const tern_config,
    option: u32,
    out: *mut tern_bytes,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_config_get_bytes"), err, || unsafe {
        only(option, "bytes")?;
        put(out, get(config)?.view(option)?)?;
        Ok(())
    })
}

/// Reads a floating point option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_get_double(
    config: *const tern_config,
    option: u32,
    out: *mut f64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_config_get_double"), err, || unsafe {
        match get(config)?.config.get(option)? {
            OptionValue::Double(value) => put(out, value)?,
            _ => return Err(other_type(option)),
        }
        Ok(())
    })
}

/// Describes the option with this id. Call the macro `tern_option_by_id`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_option_by_id_sized(
    option: u32,
    out: *mut tern_option_info,
    out_size: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_option_by_id_sized"), err, || unsafe {
        let spec = Config::option_by_id(option).ok_or(ErrorKind::UnknownOption)?;
        put_sized(out, out_size, describe(spec)?)?;
        Ok(())
    })
}

/// Describes the option with this name. Call the macro `tern_option_by_name`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_option_by_name_sized(
    name: *const c_char,
    name_len: usize,
    out: *mut tern_option_info,
    out_size: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_option_by_name_sized"), err, || unsafe {
        let spec = Config::option_by_name(text(name, name_len)?);
        put_sized(out, out_size, describe(spec.ok_or(ErrorKind::UnknownOption)?)?)?;
        Ok(())
    })
}

/// Describes the option after `option` in the table; 0 gives the first. `TERN_E_NOT_FOUND` at the
/// end. Call the macro `tern_option_next`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_option_next_sized(
    option: u32,
    out: *mut tern_option_info,
    out_size: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_option_next_sized"), err, || unsafe {
        let spec = Config::option_after(option).ok_or(ErrorKind::NotFound)?;
        put_sized(out, out_size, describe(spec)?)?;
        Ok(())
    })
}
