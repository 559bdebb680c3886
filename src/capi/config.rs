//! Options: a builder for values, and the table that describes them.

use super::types::*;
use core::ffi::c_char;

/// An empty set of option values: everything default. NULL only after a defect of the library.
///
/// Ownership: the caller frees it with `tern_config_free`; sessions copy it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_new() -> *mut tern_config {
    unimplemented!()
}

/// Frees a config. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_free(config: *mut tern_config) {
    unimplemented!()
}

/// Sets an integer option. `TERN_E_UNKNOWN_OPTION`, `TERN_E_TYPE`, `TERN_E_RANGE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_set_int(
    config: *mut tern_config,
    option: u32,
    value: i64,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Sets a yes-or-no option: 0 is no, everything else is yes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_set_bool(
    config: *mut tern_config,
    option: u32,
    value: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
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
    unimplemented!()
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
    unimplemented!()
}

/// Sets a floating point option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_set_double(
    config: *mut tern_config,
    option: u32,
    value: f64,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
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
    unimplemented!()
}

/// Reads an integer option (its default when it was not set).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_get_int(
    config: *const tern_config,
    option: u32,
    out: *mut i64,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Reads a yes-or-no option as 1 or 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_get_bool(
    config: *const tern_config,
    option: u32,
    out: *mut i32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Reads a text option. Lives until the option is set again or the config is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_get_str(
    config: *const tern_config,
    option: u32,
    out: *mut tern_bytes,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Reads a bytes option. Lives until the option is set again or the config is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_get_bytes(
    config: *const tern_config,
    option: u32,
    out: *mut tern_bytes,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Reads a floating point option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_config_get_double(
    config: *const tern_config,
    option: u32,
    out: *mut f64,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Describes the option with this id. Call the macro `tern_option_by_id`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_option_by_id_sized(
    option: u32,
    out: *mut tern_option_info,
    out_size: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
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
    unimplemented!()
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
    unimplemented!()
}
