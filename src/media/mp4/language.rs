//! The language of a track: three letters in box `mdhd`, and the whole tag in box `elng`
//! (ISO/IEC 14496-12, 8.4.2 and 8.4.6).

use super::boxes::atom;
use crate::media::primary_language;

/// The language of a track.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TrackLanguage {
    /// Three letters of five bits.
    pub(crate) packed: [u8; 2],
    /// A BCP 47 tag that says more.
    tag: Option<String>,
}

/// The code of an undetermined language.
const UNDETERMINED: &str = "und";

/// The codes of ISO 639-1, each before that of ISO 639-2/T.
const CODES: &str = "\
    aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel bgbul \
    bhbih bibis bmbam bnben bobod brbre bsbos cacat ceche chcha cocos crcre csces cuchu cvchv \
    cycym dadan dedeu dvdiv dzdzo eeewe elell eneng eoepo esspa etest eueus fafas ffful fifin \
    fjfij fofao frfra fyfry gagle gdgla glglg gngrn guguj gvglv hahau heheb hihin hohmo hrhrv \
    hthat huhun hyhye hzher iaina idind ieile igibo iiiii ikipk inind ioido isisl itita iuiku \
    iwheb jajpn jiyid jvjav kakat kgkon kikik kjkua kkkaz klkal kmkhm knkan kokor krkau kskas \
    kukur kvkom kwcor kykir lalat lbltz lglug lilim lnlin lolao ltlit lulub lvlav mgmlg mhmah \
    mimri mkmkd mlmal mnmon mrmar msmsa mtmlt mymya nanau nbnob ndnde nenep ngndo nlnld nnnno \
    nonor nrnbl nvnav nynya ococi ojoji omorm orori ososs papan pipli plpol pspus ptpor quque \
    rmroh rnrun roron rurus rwkin sasan scsrd sdsnd sesme sgsag sisin skslk slslv smsmo snsna \
    sosom sqsqi srsrp ssssw stsot susun svswe swswa tatam tetel tgtgk ththa titir tktuk tltgl \
    tntsn toton trtur tstso tttat twtwi tytah uguig ukukr ururd uzuzb veven vivie vovol wawln \
    wowol xhxho yiyid yoyor zazha zhzho zuzul";

impl TrackLanguage {
    /// Reads a BCP 47 tag. The language is undetermined without one, or if it is none.
    pub(crate) fn of(tag: Option<&str>) -> Self {
        /// Longer tags are rejected, so that the room for the index is enough.
        const MAX_LENGTH: usize = 64;
        let tag = tag.unwrap_or_default().trim().replace('_', "-");
        let is_part = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let tag = Some(tag).filter(|tag| tag.len() <= MAX_LENGTH && tag.split('-').all(is_part));
        let Some(tag) = tag else { return Self { packed: pack(UNDETERMINED), tag: None } };
        let primary = primary_language(&tag).to_ascii_lowercase();
        let code = match primary.len() {
            2 => CODES.split(' ').find_map(|entry| entry.strip_prefix(&primary)),
            3 => Some(&*primary).filter(|code| code.bytes().all(|byte| byte.is_ascii_lowercase())),
            _ => None,
        };
        let says_more = code.is_none() || tag.len() > primary.len();
        Self { packed: pack(code.unwrap_or(UNDETERMINED)), tag: Some(tag).filter(|_| says_more) }
    }

    /// Returns the box `elng`, or nothing where the three letters say all.
    pub(crate) fn extended(&self) -> Vec<u8> {
        let tag = self.tag.as_deref();
        tag.map_or_else(Vec::new, |tag| atom(b"elng", &[&[0; 4], tag.as_bytes(), &[0]]))
    }
}

fn pack(code: &str) -> [u8; 2] {
    let letters = code.bytes().fold(0, |packed, byte| packed << 5 | u16::from(byte & 31));
    letters.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_three_letters_and_what_they_do_not_say() {
        let letters = |[a, b]: [u8; 2]| {
            let packed = u16::from_be_bytes([a, b]);
            [10, 5, 0].map(|shift| char::from((packed >> shift & 31) as u8 + 96))
        };
        for (tag, code, rest) in [
            (Some("en"), "eng", None),
            (Some("en-US"), "eng", Some("en-US")),
            (Some(" zh_Hans_CN "), "zho", Some("zh-Hans-CN")),
            (Some("DE"), "deu", None),
            (Some("iw"), "heb", None),
            (Some("yue"), "yue", None),
            (Some("yue-HK"), "yue", Some("yue-HK")),
            (Some("x-klingon"), "und", Some("x-klingon")),
            (Some("qq"), "und", Some("qq")),
            (Some("q1q"), "und", Some("q1q")),
            (Some("English, please"), "und", None),
            (Some("中文"), "und", None),
            (Some(""), "und", None),
            (None, "und", None),
        ] {
            let found = TrackLanguage::of(tag);
            assert_eq!(letters(found.packed).into_iter().collect::<String>(), code, "{tag:?}");
            assert_eq!(found.tag.as_deref(), rest, "{tag:?}");
        }
        assert_eq!(TrackLanguage::of(None).packed, [0x55, 0xC4]);
        assert!(TrackLanguage::of(Some("en")).extended().is_empty());
    }

    #[test]
    fn every_code_is_in_the_table_once() {
        let codes: Vec<&str> = CODES.split(' ').collect();
        assert!(codes.iter().all(|code| code.len() == 5), "{codes:?}");
        assert!(codes.is_sorted() && codes.windows(2).all(|pair| pair[0][..2] != pair[1][..2]));
        // Those of ISO 639-1, and three that were replaced.
        assert_eq!(codes.len(), 184 + 3);
    }
}
