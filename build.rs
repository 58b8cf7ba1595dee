//! With the feature `media`, embeds the voice data of the speech engine. That data comes in the
//! source of the dependency `ttspico-sys`, which exports no path to it, so it is looked for where
//! Cargo unpacks dependencies. Without `media` this script does nothing.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Points at a folder of voice data and wins over every other place.
const OVERRIDE: &str = "NEMOVIDEO_PICO_LANG_DIR";
/// Kept equal to the pinned version in the manifest.
const PACKAGE: &str = "ttspico-sys-0.1.5";
const PACKAGE_UNVERSIONED: &str = "ttspico-sys";
const LANG_DIR: &str = "build/pico/lang";

/// Language, text analysis file, speech file.
const VOICES: [(&str, &str, &str); 6] = [
    ("en-US", "en-US_ta.bin", "en-US_lh0_sg.bin"),
    ("en-GB", "en-GB_ta.bin", "en-GB_kh0_sg.bin"),
    ("de-DE", "de-DE_ta.bin", "de-DE_gl0_sg.bin"),
    ("es-ES", "es-ES_ta.bin", "es-ES_zl0_sg.bin"),
    ("fr-FR", "fr-FR_ta.bin", "fr-FR_nk0_sg.bin"),
    ("it-IT", "it-IT_ta.bin", "it-IT_cm0_sg.bin"),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={OVERRIDE}");
    if env::var_os("CARGO_FEATURE_MEDIA").is_none() {
        return;
    }
    let tried = candidates();
    let found = tried.iter().find(|dir| is_complete(dir));
    let table = match found {
        Some(dir) => table(dir),
        // The documentation needs the types, not the voices.
        None if env::var_os("DOCS_RS").is_some() => "[]".to_owned(),
        None => {
            let mut message = format!(
                "the voice data of {PACKAGE} was not found; set {OVERRIDE} to a folder that holds {} and the others. Looked in:",
                VOICES[0].1
            );
            for dir in &tried {
                let _ = write!(message, "\n  {}", dir.display());
            }
            panic!("{message}");
        }
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo sets OUT_DIR"));
    fs::write(out.join("pico_voices.rs"), table).expect("OUT_DIR can be written to");
}

fn candidates() -> Vec<PathBuf> {
    if let Some(dir) = env::var_os(OVERRIDE) {
        return vec![PathBuf::from(dir)];
    }
    let mut packages = Vec::new();
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("Cargo sets it"));
    // Beside our own source: the registry's folder when we are a dependency, or a vendor folder.
    let mut homes: Vec<PathBuf> = own.parent().map(Path::to_owned).into_iter().collect();
    // A vendor folder of the workspace that we are built in.
    homes.extend(own.ancestors().map(|dir| dir.join("vendor")));
    // Cargo's registry, whatever its registries are called.
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = env::var_os("HOME").or_else(|| env::var_os("USERPROFILE"))?;
        Some(PathBuf::from(home).join(".cargo"))
    });
    if let Some(sources) = cargo_home.and_then(|home| fs::read_dir(home.join("registry/src")).ok())
    {
        let mut found: Vec<PathBuf> = sources.flatten().map(|entry| entry.path()).collect();
        found.sort();
        homes.extend(found);
    }
    for home in homes {
        packages.push(home.join(PACKAGE).join(LANG_DIR));
        packages.push(home.join(PACKAGE_UNVERSIONED).join(LANG_DIR));
    }
    packages
}

fn is_complete(dir: &Path) -> bool {
    VOICES
        .iter()
        .all(|(_, analysis, speech)| dir.join(analysis).is_file() && dir.join(speech).is_file())
}

/// An array expression of `VoiceData`, as `src/media/voice/pico.rs` includes it.
fn table(dir: &Path) -> String {
    let mut table = String::from("[\n");
    for (language, analysis, speech) in VOICES {
        let embed = |name: &str| {
            let path = dir.join(name);
            println!("cargo::rerun-if-changed={}", path.display());
            format!("include_bytes!({:?})", path.display().to_string())
        };
        let (analysis_data, speech_data) = (embed(analysis), embed(speech));
        let _ = writeln!(
            table,
            "    VoiceData {{ language: {language:?}, analysis: ({analysis:?}, {analysis_data}), speech: ({speech:?}, {speech_data}) }},",
        );
    }
    table.push(']');
    table
}
