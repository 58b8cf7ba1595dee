//! Embeds the voice data of the speech engine when the feature `media` is enabled. The data is part
//! of the source of the dependency `ttspico-sys`, which does not export its path, so this script
//! searches the directories into which Cargo unpacks dependencies.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Names a directory of voice data, which takes precedence over all others.
const OVERRIDE: &str = "NEMOVIDEO_PICO_LANG_DIR";
/// Must equal the pinned version in the manifest.
const PACKAGE: &str = "ttspico-sys-0.1.5";
const PACKAGE_UNVERSIONED: &str = "ttspico-sys";
const LANG_DIR: &str = "build/pico/lang";

/// Language, text analysis file and speech file of each voice.
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
    let candidates = candidates();
    let found = candidates.iter().find(|dir| is_complete(dir));
    let table = match found {
        Some(dir) => table(dir),
        // The documentation needs no voices.
        None if env::var_os("DOCS_RS").is_some() => "[]".to_owned(),
        None => {
            let mut message = format!(
                "the voice data of {PACKAGE} was not found; set {OVERRIDE} to a directory that contains {} and the other voice files. Searched directories:",
                VOICES[0].1
            );
            for dir in &candidates {
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
    // Beside this package: a registry directory when it is a dependency, or a vendor directory.
    let mut homes: Vec<PathBuf> = own.parent().map(Path::to_owned).into_iter().collect();
    // A vendor directory of the enclosing workspace.
    homes.extend(own.ancestors().map(|dir| dir.join("vendor")));
    // All registries in Cargo's home directory.
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

/// Returns an array expression of `VoiceData`, which `src/media/voice/pico.rs` includes.
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
