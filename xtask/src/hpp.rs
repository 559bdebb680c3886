//! Makes `include/tern.hpp` from the text of `include/tern.h`: every function of the C interface as
//! a method of a move-only class, or as a free function, so that C++ never lacks what C has.
//!
//! The C signatures follow rules (out-parameters last, lengths behind pointers, `err` at the end);
//! what does not fit one of the rules is passed through as it is. Deliberately absent: behaviour.

use std::fmt::Write as _;

/// What stands in front of the generated classes.
const PREAMBLE: &str = include_str!("hpp/preamble.hpp");
/// The body of the method that no rule makes.
const CLOSE: &str = include_str!("hpp/close.hpp");
/// A callable instead of a hook function and its data.
const HOOK: &str = include_str!("hpp/hook.hpp");
/// The same for progress.
const PROGRESS: &str = include_str!("hpp/progress.hpp");

/// Opaque types, in the order in which their classes are written, with what gives one up.
const CLASSES: &[(&str, &str)] = &[
    ("config", "free"),
    ("metainfo", "free"),
    ("create", "free"),
    ("add", "free"),
    ("batch", "free"),
    ("peers", "free"),
    ("trackers", "free"),
    ("torrent", "release"),
    ("session", "release"),
];

/// Functions the preamble deals with itself.
const BY_HAND: &[&str] = &["tern_session_close", "tern_buf_free"];

/// Names that C++ keeps for itself.
const KEYWORDS: &[&str] = &["delete", "export", "new", "operator", "private", "public", "register"];

/// One parameter: type as in C, and name.
#[derive(Clone, Debug)]
struct Param {
    kind: String,
    name: String,
}

/// One function of the header.
#[derive(Debug)]
struct Function {
    doc: String,
    result: String,
    name: String,
    params: Vec<Param>,
}

/// The header's text. `classes` besides [`CLASSES`] are found by their `_free` and `_release`.
pub fn render(header: &str) -> Result<String, String> {
    let functions = functions(header)?;
    let classes = classes(&functions);
    let mut out = format!("{PREAMBLE}\n");
    for (class, _) in &classes {
        let _ = writeln!(out, "class {class};");
    }
    let mut inline = String::new();
    let mut free = String::new();
    let mut bodies: Vec<String> = vec![String::new(); classes.len()];
    for function in functions.iter().filter(|f| !BY_HAND.contains(&f.name.as_str())) {
        if function.name.starts_with("tern_error_") {
            continue;
        }
        let Some(owner) = owner(function, &classes) else {
            let made = Made::new(function, None, &classes);
            let _ = write!(free, "\n{}inline {}\n{}", made.doc(""), made.head(None), made.body());
            continue;
        };
        let (class, give_up) = &classes[owner];
        if function.name == format!("tern_{class}_{give_up}") {
            continue;
        }
        let made = Made::new(function, Some(class), &classes);
        let _ = write!(bodies[owner], "\n{}", made.doc("    "));
        let _ = writeln!(bodies[owner], "    {};", made.declaration());
        bodies[owner].push_str(&made.extra());
        let _ = write!(inline, "\ninline {}\n{}", made.head(Some(class)), made.body());
    }
    for ((class, give_up), body) in classes.iter().zip(&bodies) {
        let base = format!("detail::handle<tern_{class}, tern_{class}_{give_up}>");
        let _ = write!(
            out,
            "\n/// Owns a `tern_{class}`. Move-only.\nclass {class} : public {base} {{\npublic:\n\
             \x20   using handle::handle;\n{body}"
        );
        out.push_str(&by_hand(class, &functions));
        out.push_str("};\n");
    }
    out.push_str(&inline);
    out.push_str(&free);
    out.push_str(CLOSE);
    out.push_str("\n} // namespace tern\n\n#endif\n");
    Ok(out)
}

/// Methods that no rule makes.
fn by_hand(class: &str, functions: &[Function]) -> String {
    let has = |name: &str| functions.iter().any(|f| f.name == name);
    let mut out = String::new();
    if has(&format!("tern_{class}_len")) && has(&format!("tern_{class}_get_sized")) {
        let _ = write!(
            out,
            "\n    /// For `for (const auto &item : {class})`.\n    \
             detail::iterator<{class}> begin() const {{ return {{this, 0}}; }}\n    \
             detail::iterator<{class}> end() const {{ return {{this, len()}}; }}\n"
        );
    }
    if class == "session" {
        out.push_str(
            "\n    /// Closes and waits, see `tern_session_close`: how many torrents are not saved \
             yet when time\n    /// is up, 0 when all is done.\n    \
             std::uint32_t close(std::int32_t timeout_ms = -1) const;\n",
        );
    }
    out
}

/// The functions of the header with their comments.
fn functions(header: &str) -> Result<Vec<Function>, String> {
    let start = header.find("extern \"C\"").ok_or("tern.h has no extern \"C\"")?;
    let mut found = Vec::new();
    let mut rest = &header[start..];
    while let Some(at) = rest.find("TERN_API") {
        let doc = rest[..at].rfind("/**").map_or("", |from| &rest[from..at]);
        let end = rest[at..].find(';').ok_or("a declaration without an end")? + at;
        let declaration = rest[at + "TERN_API".len()..end].split_whitespace();
        let declaration = declaration.collect::<Vec<_>>().join(" ");
        found.push(function(&declaration, doc)?);
        rest = &rest[end..];
    }
    Ok(found)
}

fn function(declaration: &str, doc: &str) -> Result<Function, String> {
    let odd = || format!("cannot read: {declaration}");
    let (head, params) = declaration.split_once('(').ok_or_else(odd)?;
    let params = params.strip_suffix(')').ok_or_else(odd)?;
    let (result, name) = split(head).ok_or_else(odd)?;
    let mut list = Vec::new();
    for param in params.split(',').map(str::trim).filter(|p| *p != "void") {
        let (kind, name) = split(param).ok_or_else(odd)?;
        list.push(Param { kind, name });
    }
    let doc =
        doc.trim_start_matches("/**").lines().map(|l| l.trim().trim_start_matches('*').trim());
    let doc: Vec<&str> = doc.take_while(|l| !l.starts_with("Threads:") && *l != "/").collect();
    let doc = doc.join("\n").trim().trim_end_matches("*/").trim().to_owned();
    Ok(Function { doc, result, name, params: list })
}

/// A type and the name behind it.
fn split(text: &str) -> Option<(String, String)> {
    let at = text.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))? + 1;
    let (kind, name) = text.split_at(at);
    Some((kind.trim().to_owned(), name.to_owned()))
}

/// The classes: those known, and those that appeared since.
fn classes(functions: &[Function]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        CLASSES.iter().map(|(class, up)| ((*class).to_owned(), (*up).to_owned())).collect();
    for function in functions {
        for up in ["free", "release"] {
            let class = function.name.strip_prefix("tern_").and_then(|n| n.strip_suffix(up));
            let Some(class) = class.and_then(|c| c.strip_suffix('_')) else { continue };
            let known = all.iter().any(|(c, _)| c == class);
            if !known && !["buf", "error"].contains(&class) {
                all.push((class.to_owned(), up.to_owned()));
            }
        }
    }
    all
}

/// The class a function becomes a method of: that of its name, else that of its first parameter.
fn owner(function: &Function, classes: &[(String, String)]) -> Option<usize> {
    let first = function.params.first().map(|p| p.kind.as_str());
    let object = |class: &str| {
        first == Some(&format!("const tern_{class} *")) || first == Some(&format!("tern_{class} *"))
    };
    let named = |class: &str| function.name.starts_with(&format!("tern_{class}_"));
    let by_name = classes.iter().position(|(class, _)| named(class) && object(class));
    let makes = function.params.iter().any(|p| p.kind.starts_with("tern_") && p.name == "out")
        || function.result.ends_with('*');
    by_name
        .or_else(|| {
            let made = |class: &str| {
                function.params.iter().any(|p| p.kind == format!("tern_{class} **"))
                    || function.result == format!("tern_{class} *")
            };
            classes.iter().position(|(class, _)| makes && named(class) && made(class))
        })
        .or_else(|| classes.iter().position(|(class, _)| object(class)))
}

/// A function on its way from C to C++.
struct Made<'a> {
    function: &'a Function,
    class: Option<&'a str>,
    name: String,
    /// C++ parameters.
    params: Vec<String>,
    /// C arguments.
    args: Vec<String>,
    /// Statements before the call.
    before: Vec<String>,
    /// Type and expression of the result.
    result: (String, String),
    /// Whether the object is in front of the arguments.
    method: bool,
    constructor: bool,
    throws: bool,
    array: Option<String>,
}

/// Names of fixed-width types as C++ has them.
fn std_type(kind: &str) -> String {
    let mut out = kind.to_owned();
    for name in ["uint8_t", "uint16_t", "uint32_t", "uint64_t", "int32_t", "int64_t", "size_t"] {
        let words: Vec<String> = out
            .split(' ')
            .map(|w| if w == name { format!("std::{name}") } else { w.to_owned() })
            .collect();
        out = words.join(" ");
    }
    out
}

/// A parameter in C++, without a space behind the star.
fn declared(kind: &str, name: &str) -> String {
    let kind = std_type(kind);
    if kind.ends_with('*') || kind.ends_with('&') {
        format!("{kind}{name}")
    } else {
        format!("{kind} {name}")
    }
}

impl<'a> Made<'a> {
    fn new(function: &'a Function, class: Option<&'a str>, classes: &[(String, String)]) -> Self {
        let plain = function.name.trim_start_matches("tern_");
        let prefix = class.map(|c| format!("{c}_")).unwrap_or_default();
        let short = plain.strip_prefix(&prefix).unwrap_or(plain);
        let short = short.strip_suffix("_sized").unwrap_or(short);
        let name = if KEYWORDS.contains(&short) { format!("{short}_") } else { short.to_owned() };
        let object = class.map(|c| format!("tern_{c} *"));
        let method = function
            .params
            .first()
            .zip(object.as_deref())
            .is_some_and(|(p, o)| p.kind.trim_start_matches("const ") == o);
        let constructor = !method && short == "new";
        let throws = function.params.last().is_some_and(|p| p.kind == "tern_error **");
        let mut made = Self {
            function,
            class,
            name: if constructor { class.unwrap_or_default().to_owned() } else { name },
            params: Vec::new(),
            args: Vec::new(),
            before: Vec::new(),
            result: (std_type(&function.result), String::new()),
            method,
            constructor,
            throws,
            array: None,
        };
        made.translate(classes);
        made
    }

    fn translate(&mut self, classes: &[(String, String)]) {
        if self.method {
            self.args.push("handle::get()".into());
        }
        if self.function.result == "tern_result" {
            self.result = ("void".into(), String::new());
        }
        if self.function.result == "tern_bytes" {
            self.result = ("bytes_view".into(), "value".into());
        }
        let class_of = |kind: &str, tail: &str| {
            let kind = kind.trim_start_matches("const ");
            let is = |c: &str| kind == format!("tern_{c} {tail}");
            classes.iter().find(|(c, _)| is(c)).map(|(c, _)| c.clone())
        };
        if let Some(class) = class_of(&self.function.result, "*") {
            self.result = (format!("tern::{class}"), format!("tern::{class}(value)"));
        }
        let params = &self.function.params;
        let params = &params[usize::from(self.method)..params.len() - usize::from(self.throws)];
        let mut at = 0;
        while let Some(param) = params.get(at) {
            let next = params.get(at + 1).map(|p| (p.kind.as_str(), p.name.as_str()));
            let (kind, name) = (param.kind.as_str(), param.name.as_str());
            let length = format!("{name}_len");
            let many = params.get(at + 2).is_some_and(|p| p.name == "out_len");
            at += 1;
            match (kind, next) {
                ("const char *", Some(("size_t", n))) if n == length => {
                    self.view("std::string_view", name, "data()", "size()");
                    at += 1;
                }
                ("const uint8_t *", Some(("size_t", n))) if n == length => {
                    self.view("bytes_view", name, "ptr", "len");
                    at += 1;
                }
                (_, Some(("size_t", "capacity"))) if name == "out" && many => {
                    self.fill(kind, class_of(kind, "**"));
                    at += 2;
                }
                (_, Some(("size_t", "out_size"))) if name == "out" => {
                    let kind = kind.trim_end_matches(" *");
                    self.out(kind, &format!("{kind} out{{}}"), "out");
                    self.args.push("sizeof out".into());
                    at += 1;
                }
                ("tern_buf *", _) if name == "out" => {
                    self.out("buf", "tern_buf out = {nullptr, 0}", "buf(out)");
                }
                ("tern_bytes *", _) if name == "out" => {
                    self.out("bytes_view", "tern_bytes out = {nullptr, 0}", "bytes_view(out)");
                }
                ("uint8_t *", _) if name == "out" && self.name.ends_with("info_hash") => {
                    let kind = "std::array<std::uint8_t, 20>";
                    self.before.push(format!("{kind} out{{}}"));
                    self.args.push("out.data()".into());
                    self.result = (kind.into(), "out".into());
                }
                _ => self.single(kind, name, &class_of),
            }
        }
        if self.throws {
            self.args.push("&err".into());
        }
    }

    /// One parameter that is not part of a group.
    fn single(&mut self, kind: &str, name: &str, class_of: &dyn Fn(&str, &str) -> Option<String>) {
        if let (Some(class), "out") = (class_of(kind, "**"), name) {
            let made = format!("tern::{class}(out)");
            self.out(&format!("tern::{class}"), &format!("tern_{class} *out = nullptr"), &made);
        } else if let Some(class) = class_of(kind, "*") {
            let constant = if kind.starts_with("const ") { "const " } else { "" };
            self.params.push(format!("{constant}tern::{class} &{name}"));
            self.args.push(format!("{name}.get()"));
        } else if name == "out" && kind.ends_with(" *") && !kind.contains("uint8_t") {
            let kind = std_type(kind.trim_end_matches(" *"));
            self.out(&kind, &format!("{kind} out{{}}"), "out");
        } else {
            let more = if name.starts_with("out_") { " = nullptr" } else { "" };
            self.params.push(declared(kind, name) + more);
            self.args.push(name.to_owned());
        }
    }

    fn view(&mut self, kind: &str, name: &str, pointer: &str, length: &str) {
        self.params.push(format!("{kind} {name}"));
        self.args.push(format!("{name}.{pointer}"));
        self.args.push(format!("{name}.{length}"));
    }

    fn out(&mut self, kind: &str, statement: &str, expression: &str) {
        self.before.push(statement.to_owned());
        self.args.push("&out".into());
        if self.function.result == "tern_result" {
            self.result = (kind.to_owned(), expression.to_owned());
        }
    }

    /// A function that fills an array: called until the array is long enough.
    fn fill(&mut self, kind: &str, class: Option<String>) {
        let item = class.as_ref().map_or_else(
            || std_type(kind.trim_end_matches(" *")),
            |class| format!("tern_{class} *"),
        );
        self.args.extend(["data", "capacity", "length"].map(String::from));
        self.result = match class {
            Some(class) => (format!("std::vector<tern::{class}>"), class),
            None => (format!("std::vector<{item}>"), String::new()),
        };
        self.array = Some(item);
    }

    fn doc(&self, indent: &str) -> String {
        let first = self.function.doc.split("\n\n").next().unwrap_or_default();
        let first = first.split("Call the macro").next().unwrap_or_default().trim();
        first.lines().fold(String::new(), |mut out, line| {
            let _ = writeln!(out, "{indent}/// {line}");
            out
        })
    }

    fn constant(&self) -> &'static str {
        let constant = self.function.params.first().is_some_and(|p| p.kind.starts_with("const "));
        if self.method && constant { " const" } else { "" }
    }

    fn declaration(&self) -> String {
        let params = self.params.join(", ");
        if self.constructor {
            let explicit = if params.is_empty() { "" } else { "explicit " };
            return format!("{explicit}{}({params})", self.name);
        }
        let kind = if self.class.is_some() && !self.method { "static " } else { "" };
        let result = declared(&self.result.0, &self.name);
        format!("{kind}{result}({params}){}", self.constant())
    }

    /// The head of the definition.
    fn head(&self, class: Option<&str>) -> String {
        let params: Vec<&str> = self
            .params
            .iter()
            .map(|p| if class.is_some() { p.trim_end_matches(" = nullptr") } else { p })
            .collect();
        let params = params.join(", ");
        let scope = class.map(|c| format!("{c}::")).unwrap_or_default();
        if self.constructor {
            return format!("{scope}{}({params}) : handle(nullptr)", self.name);
        }
        let result = declared(&self.result.0, &format!("{scope}{}", self.name));
        format!("{result}({params}){}", self.constant())
    }

    fn body(&self) -> String {
        let mut out = String::from("{\n");
        let mut line = |text: String| {
            let _ = writeln!(out, "    {text}");
        };
        let call = format!("{}({})", self.function.name, self.args.join(", "));
        if let Some(item) = &self.array {
            line(format!("using item = {item};"));
            line("auto fill = [&](item *data, std::size_t capacity, std::size_t *length,".into());
            line("                tern_error **err) {".into());
            line(format!("    return {};", call.replace("&err", "err")));
            line("};".into());
            line(match self.result.1.as_str() {
                "" => "return detail::array<item>(fill);".into(),
                class => format!("return detail::handles<tern::{class}, item>(fill);"),
            });
            out.push_str("}\n");
            return out;
        }
        for statement in &self.before {
            line(format!("{statement};"));
        }
        if self.throws {
            line("tern_error *err = nullptr;".into());
        }
        let checked = self.function.result == "tern_result";
        match (checked, self.throws) {
            (true, true) => {
                // In two statements: the error is there only after the call.
                line(format!("const tern_result result = {call};"));
                line("detail::check(result, err);".into());
            }
            (true, false) => line(format!("detail::check({call}, nullptr);")),
            (false, true) => {
                line(format!("const auto value = {call};"));
                line("detail::check(value, err);".into());
            }
            (false, false) if self.result.0 == "void" => line(format!("{call};")),
            (false, false) => line(format!("const auto value = {call};")),
        }
        if self.constructor {
            let from = if checked { "out" } else { "value" };
            line(format!("reset({from});"));
        } else if checked {
            if self.result.0 != "void" {
                line(format!("return {};", self.result.1));
            }
        } else if self.result.0 != "void" {
            let value = if self.result.1.is_empty() { "value" } else { &self.result.1 };
            line(format!("return {value};"));
        }
        out.push_str("}\n");
        out
    }

    /// The same with a callable instead of a function pointer and its data.
    fn extra(&self) -> String {
        let kinds: Vec<&str> = self.function.params.iter().map(|p| p.kind.as_str()).collect();
        let text = if kinds.contains(&"tern_hook_fn") {
            HOOK
        } else if kinds.contains(&"tern_progress_fn") {
            PROGRESS
        } else {
            ""
        };
        text.replace("NAME", &self.name)
            .replace("CONST", self.constant())
            .replace("RESULT", &self.result.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "extern \"C\" {\n/** Doc. */\nTERN_API ";

    fn of(declaration: &str) -> String {
        render(&format!("{HEAD}{declaration};")).unwrap()
    }

    #[test]
    fn out_parameters_become_results_and_lengths_views() {
        let text =
            of("tern_result tern_torrent_move(const tern_torrent *t, const char *path, size_t \
                       path_len, tern_error **err)");
        assert!(text.contains("void move(std::string_view path) const;"), "{text}");
        assert!(
            text.contains("tern_torrent_move(handle::get(), path.data(), path.size(), &err)"),
            "{text}"
        );
        let text =
            of("tern_result tern_session_find_id(const tern_session *s, uint64_t torrent_id, \
                       tern_torrent **out, tern_error **err)");
        assert!(text.contains("tern::torrent find_id(std::uint64_t torrent_id) const;"), "{text}");
    }

    #[test]
    fn a_new_kind_of_object_becomes_a_class() {
        let text = of("void tern_dht_free(tern_dht *dht);\n/** Port. */\nTERN_API uint16_t \
                       tern_dht_port(const tern_dht *dht)");
        assert!(
            text.contains("class dht : public detail::handle<tern_dht, tern_dht_free>"),
            "{text}"
        );
        assert!(text.contains("std::uint16_t port() const;"), "{text}");
    }

    #[test]
    fn what_fits_no_rule_is_passed_through() {
        let text =
            of("tern_result tern_torrent_odd(const tern_torrent *t, const char *const *urls, \
                       size_t count, tern_error **err)");
        assert!(
            text.contains("void odd(const char *const *urls, std::size_t count) const;"),
            "{text}"
        );
    }
}
