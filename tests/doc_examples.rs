//! Everything public has an example that runs: each module, type, trait and function one of its
//! own, each method one that calls it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Expr, ExprLit, ImplItem, Item, Lit, Meta, TraitItem, Type, Visibility};

/// What the sources say. `unreachable_pub` is denied, so whatever is `pub` can be reached.
#[derive(Default)]
struct Sources {
    documented: Vec<Documented>,
    /// All examples of a file.
    examples: BTreeMap<PathBuf, String>,
}

/// One public thing.
struct Documented {
    file: PathBuf,
    /// The type that it is a method of.
    of: Option<String>,
    name: String,
    has_example: bool,
}

impl Sources {
    fn read(&mut self, file: &Path) {
        let parsed = parse(file);
        self.note_examples(file, &parsed.attrs);
        for item in &parsed.items {
            self.take(file, item);
        }
    }

    fn take(&mut self, file: &Path, item: &Item) {
        let (vis, attrs, name) = match item {
            Item::Struct(item) => (&item.vis, &item.attrs, &item.ident),
            Item::Enum(item) => (&item.vis, &item.attrs, &item.ident),
            Item::Fn(item) => (&item.vis, &item.attrs, &item.sig.ident),
            Item::Trait(item) => {
                for item in &item.items {
                    if let TraitItem::Fn(method) = item {
                        self.note_examples(file, &method.attrs);
                    }
                }
                (&item.vis, &item.attrs, &item.ident)
            }
            Item::Impl(item) => {
                if item.trait_.is_none() {
                    self.take_methods(file, item);
                }
                return;
            }
            Item::Mod(item) if item.content.is_none() && is_public(&item.vis) => {
                let inner = module_file(file, &item.ident.to_string());
                let parsed = parse(&inner);
                let has_example = has_example(&parsed.attrs);
                let name = item.ident.to_string();
                self.documented.push(Documented { file: inner, of: None, name, has_example });
                return;
            }
            _ => return,
        };
        self.note_examples(file, attrs);
        if is_public(vis) {
            self.note(file, None, &name.to_string(), attrs);
        }
    }

    fn take_methods(&mut self, file: &Path, item: &syn::ItemImpl) {
        let Type::Path(path) = &*item.self_ty else { return };
        let of = path.path.segments.last().expect("a name").ident.to_string();
        for item in &item.items {
            let ImplItem::Fn(method) = item else { continue };
            self.note_examples(file, &method.attrs);
            if is_public(&method.vis) {
                self.note(file, Some(of.clone()), &method.sig.ident.to_string(), &method.attrs);
            }
        }
    }

    fn note(&mut self, file: &Path, of: Option<String>, name: &str, attrs: &[Attribute]) {
        let has_example = has_example(attrs);
        let name = name.to_owned();
        self.documented.push(Documented { file: file.to_owned(), of, name, has_example });
    }

    fn note_examples(&mut self, file: &Path, attrs: &[Attribute]) {
        let of_file = self.examples.entry(file.to_owned()).or_default();
        examples(attrs).into_iter().for_each(|example| of_file.push_str(&example));
    }

    /// Whether an example of the same file or of the module above it, or one that names the
    /// method's type, calls it.
    fn is_called(&self, method: &Documented, of: &str) -> bool {
        let above = method.file.parent().expect("a folder").with_extension("rs");
        self.examples.iter().any(|(file, examples)| {
            let is_near = *file == method.file || *file == above;
            (is_near || has_word(examples, of)) && calls(examples, &method.name)
        })
    }
}

fn parse(file: &Path) -> syn::File {
    let text = fs::read_to_string(file).expect("a readable source");
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

/// `a.rs` and `a/b.rs`: the crate has no `mod.rs`.
fn module_file(parent: &Path, name: &str) -> PathBuf {
    let folder = match parent.file_stem().and_then(|stem| stem.to_str()).expect("a name") {
        "lib" => parent.parent().expect("a folder").to_owned(),
        _ => parent.with_extension(""),
    };
    folder.join(name).with_extension("rs")
}

fn has_example(attrs: &[Attribute]) -> bool {
    !examples(attrs).is_empty()
}

/// The blocks of code that `cargo test` runs.
fn examples(attrs: &[Attribute]) -> Vec<String> {
    let line = |attr: &Attribute| match &attr.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    };
    let docs: Vec<_> = attrs.iter().filter_map(line).collect();
    let docs = docs.join("\n");
    let blocks = docs.split("```").skip(1).step_by(2);
    let runs = |block: &str| {
        let (language, code) = block.split_once('\n')?;
        matches!(language.trim(), "" | "rust").then(|| code.to_owned())
    };
    blocks.filter_map(runs).collect()
}

fn calls(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        (before.ends_with('.') || before.ends_with("::")) && !after.starts_with(is_word)
    })
}

fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(is_word) && !code[at + word.len()..].starts_with(is_word)
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("a readable entry").path());
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn everything_public_has_an_example_that_runs() {
    let mut sources = Sources::default();
    for file in rust_files(Path::new("src")) {
        sources.read(&file);
    }
    assert!(sources.documented.len() > 400, "{} public things", sources.documented.len());
    let mut without = String::new();
    for public in &sources.documented {
        let shown = match &public.of {
            None => public.has_example,
            Some(of) => public.has_example || sources.is_called(public, of),
        };
        if !shown {
            let of = public.of.as_deref().map(|of| format!("{of}::")).unwrap_or_default();
            without += &format!("{}: {of}{}\n", public.file.display(), public.name);
        }
    }
    assert!(without.is_empty(), "without an example:\n{without}");
}
