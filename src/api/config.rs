//! Options by name or number.

use std::collections::BTreeMap;

use crate::engine::error::{Error, ErrorKind};
use crate::engine::options::{self, OptionError, OptionSpec, OptionValue};
use crate::engine::settings::Settings;

/// Option values for a new session, or changes for a running one.
#[derive(Clone, Debug, Default)]
pub struct Config {
    settings: Settings,
    /// Options that were set, by number.
    set: BTreeMap<u32, OptionValue>,
}

fn failed(name: &str, error: OptionError) -> Error {
    let kind = match error {
        OptionError::Unknown => ErrorKind::UnknownOption,
        OptionError::Type => ErrorKind::Type,
        OptionError::Range => ErrorKind::Range,
        OptionError::Invalid(_) => ErrorKind::Invalid,
    };
    Error::new(kind, format!("{name}: {error}"))
}

/// The option with this number.
fn spec(id: u32) -> Result<&'static OptionSpec, Error> {
    options::by_id(id).ok_or_else(|| failed(&id.to_string(), OptionError::Unknown))
}

impl Config {
    /// Everything default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A config in which nothing is set and everything reads as in `settings`.
    pub(super) fn of(settings: &Settings) -> Self {
        Self { settings: settings.clone(), set: BTreeMap::new() }
    }

    /// Sets an option by number.
    pub fn set(&mut self, id: u32, value: &OptionValue) -> Result<(), Error> {
        let spec = spec(id)?;
        spec.set(&mut self.settings, value).map_err(|e| failed(spec.name, e).of_option(id))?;
        self.set.insert(id, value.clone());
        Ok(())
    }

    /// Sets an option by name from text: a decimal number; `true`, `false`, `1`, `0`; other types
    /// as they are.
    pub fn set_text(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let spec = options::by_name(name).ok_or_else(|| failed(name, OptionError::Unknown))?;
        let value = spec.parse(text).map_err(|e| failed(name, e).of_option(spec.id))?;
        self.set(spec.id, &value)
    }

    /// Reads an option by number.
    pub fn get(&self, id: u32) -> Result<OptionValue, Error> {
        spec(id).map(|spec| spec.get(&self.settings))
    }

    /// The option with this number.
    #[must_use]
    pub fn option_by_id(id: u32) -> Option<&'static OptionSpec> {
        options::by_id(id)
    }

    /// The option with this name.
    #[must_use]
    pub fn option_by_name(name: &str) -> Option<&'static OptionSpec> {
        options::by_name(name)
    }

    /// The option after this one; 0 gives the first.
    #[must_use]
    pub fn option_after(id: u32) -> Option<&'static OptionSpec> {
        options::next(id)
    }

    pub(super) fn settings(&self) -> Settings {
        self.settings.clone()
    }

    /// What was set, when all of it may change in a session with these settings.
    pub(super) fn live_changes(&self, current: &Settings) -> Result<Changes, Error> {
        let mut changes = Vec::new();
        for (id, value) in &self.set {
            let spec = spec(*id)?;
            if spec.get(current) == *value {
                continue;
            }
            if !spec.live {
                let text = format!("{} cannot change in a running session", spec.name);
                return Err(Error::new(ErrorKind::State, text));
            }
            changes.push((spec, value.clone()));
        }
        Ok(Changes(changes))
    }
}

/// Checked changes of live options.
pub(super) struct Changes(Vec<(&'static OptionSpec, OptionValue)>);

impl Changes {
    /// Makes the changes. The values were accepted by the config they come from.
    pub(super) fn make(self, settings: &mut Settings) {
        for (spec, value) in self.0 {
            let _ = spec.set(settings, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_option() {
        let mut config = Config::new();
        let error = config.set_text("net_threads", "0").unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Range, "net_threads: value out of range")
        );
        assert_eq!(config.set_text("nope", "0").unwrap_err().kind(), ErrorKind::UnknownOption);
        assert_eq!(
            config.set(7, &OptionValue::Int(1)).unwrap_err().kind(),
            ErrorKind::UnknownOption
        );
        let wrong = config.set(1001, &OptionValue::Bool(true)).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Type);
    }

    #[test]
    fn only_live_options_change_and_equal_values_do_not_count() {
        let current = Settings::default();
        let mut config = Config::new();
        config.set_text("net_threads", &current.net_threads.to_string()).unwrap();
        config.set_text("upload_limit", "1000").unwrap();
        let mut changed = current.clone();
        config.live_changes(&current).unwrap().make(&mut changed);
        assert_eq!(changed.upload_limit, Some(1000));
        config.set_text("net_threads", "3").unwrap();
        assert_eq!(config.live_changes(&current).err().unwrap().kind(), ErrorKind::State);
    }
}
