//! One spelling for what people write in many: lower case, plain letters, words written out,
//! simplified characters. The phrases are compared with that.

/// Whole words, and what they are written out as.
const WRITTEN_OUT: &[(&str, &str)] = &[
    ("i'm", "i am"),
    ("im", "i am"),
    ("i'd", "i would"),
    ("i've", "i have"),
    ("i'll", "i will"),
    ("we're", "we are"),
    ("we'd", "we would"),
    ("we've", "we have"),
    ("we'll", "we will"),
    ("you're", "you are"),
    ("it's", "it is"),
    ("that's", "that is"),
    ("thats", "that is"),
    ("that'll", "that will"),
    ("what's", "what is"),
    ("whats", "what is"),
    ("where's", "where is"),
    ("how's", "how is"),
    ("here's", "here is"),
    ("heres", "here is"),
    ("there's", "there is"),
    ("let's", "let us"),
    ("lets", "let us"),
    ("u", "you"),
    ("ur", "your"),
    ("pls", "please"),
    ("plz", "please"),
    ("thx", "thanks"),
    ("ty", "thank you"),
    ("wanna", "want to"),
    ("gimme", "give me"),
    ("lemme", "let me"),
    ("vid", "video"),
    ("pic", "picture"),
    ("pics", "pictures"),
    ("ok", "okay"),
    // Fingers that are faster than the word.
    ("exprot", "export"),
    ("exoprt", "export"),
    ("epxort", "export"),
    ("dowload", "download"),
    ("donwload", "download"),
    ("downlaod", "download"),
    ("dwonload", "download"),
    ("uplaod", "upload"),
    ("upolad", "upload"),
    ("upoad", "upload"),
    ("vidoe", "video"),
    ("viedo", "video"),
    ("credtis", "credits"),
    ("staus", "status"),
];

/// Traditional characters of the phrases, each before its simplified form.
const SIMPLIFIED: &str = "請请幫帮將将嗎吗現现給给謝谢輸输導导匯汇載载視视頻频檔档積积額额餘余點点數数\
    帳帐還还狀状態态軌轨進进時时間间軸轴橫横豎竖圖图傳传發发詢询顯显個个這这裡里裏里麼么樣样專专項项\
    聲声訊讯畫画質质電电腦脑機机線线儲储為为從从來来們们開开戶户號号張张錄录後后對对煩烦總总剛刚讓让\
    問问幾几種种類类確确認认會会沒没結结過过鏈链聽听連连兩两標标編编輯辑說说應应該该寬宽當当東东條条單单壓压縮缩錢钱夠够報报級级貼贴";

/// One line in that spelling; `None` for a script and for quoted words.
pub(super) fn plain(sentence: &str) -> Option<String> {
    let mut plain = String::with_capacity(sentence.len());
    // Where the word begins that is being written.
    let mut word = 0;
    for c in sentence.trim().chars() {
        let c = match c {
            '’' => '\'',
            // Full width forms of what ASCII has.
            '！'..='～' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
            _ => c,
        };
        if matches!(
            c,
            '\n' | '\r' | '"' | '“' | '”' | '„' | '«' | '»' | '「' | '」' | '『' | '』' | '`'
        ) {
            return None;
        }
        // A quote; inside a word it is an apostrophe.
        if c == '\'' && !plain.ends_with(char::is_alphanumeric) {
            return None;
        }
        if !(c.is_ascii_alphanumeric() || c == '\'') {
            write_out(&mut plain, word);
            word = plain.len();
        }
        if c.is_whitespace() {
            if !plain.ends_with(' ') {
                plain.push(' ');
            }
        } else {
            plain.extend(simplified(c).to_lowercase());
        }
        if !(c.is_ascii_alphanumeric() || c == '\'') {
            word = plain.len();
        }
    }
    write_out(&mut plain, word);
    Some(plain)
}

fn write_out(plain: &mut String, word: usize) {
    let short = &plain[word..];
    if let Some((_, long)) = WRITTEN_OUT.iter().find(|(known, _)| *known == short) {
        plain.truncate(word);
        plain.push_str(long);
    }
}

fn simplified(c: char) -> char {
    if !('\u{4E00}'..='\u{9FFF}').contains(&c) {
        return c;
    }
    let mut pairs = SIMPLIFIED.chars();
    while let (Some(traditional), Some(simplified)) = (pairs.next(), pairs.next()) {
        if traditional == c {
            return simplified;
        }
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_spellings_are_one() {
        let is = |text, expected| assert_eq!(plain(text).as_deref(), Some(expected), "{text}");
        is("  What’s  ON\tit? ", "what is on it?");
        is("PLS, I'm done", "please, i am done");
        is("１０８０Ｐ", "1080p");
        is("下載這個影片檔嗎？", "下载这个影片档吗?");
        is("my cat's vids", "my cat's vids");
        is("the guru up", "the guru up");
    }

    #[test]
    fn a_script_and_quoted_words_are_not_read() {
        for text in ["a\nb", "say \"hi\"", "“导出”", "say 'export'", "`export`"] {
            assert_eq!(plain(text), None, "{text}");
        }
    }

    #[test]
    fn each_traditional_character_has_one_simplified_form() {
        let letters: Vec<_> = SIMPLIFIED.chars().collect();
        let (pairs, rest) = letters.as_chunks::<2>();
        assert!(rest.is_empty());
        for [traditional, form] in pairs {
            assert_eq!(simplified(*traditional), *form);
            assert_eq!(simplified(*form), *form);
        }
    }
}
