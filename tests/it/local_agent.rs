//! What the embedded backend's agent says is true of the draft and of the credits, in English and
//! in Chinese, whatever buttons and panels it mentions besides.

use crate::support::caller::{Caller, SCRIPT, Stream};
use nemovideo::local::{Frequency, LocalBackend, LocalBackendBuilder};
use nemovideo::protocol::Credits;
use reqwest::multipart::{Form, Part};
use serde_json::Value;

fn talkative() -> LocalBackendBuilder {
    LocalBackend::builder().placeholder_videos().credits(100).silent_edits(Frequency::Never)
}

fn is_chinese(text: &str) -> bool {
    text.contains(|c| matches!(c, '\u{4e00}'..='\u{9fff}'))
}

fn last(stream: &Stream) -> &str {
    stream.texts().last().copied().unwrap_or_default()
}

/// The first track of a role.
fn track<'d>(draft: &'d Value, role: &str) -> Option<&'d Value> {
    draft["t"].as_array()?.iter().find(|track| track["m"]["role"] == role)
}

/// The volume of a role; no number where there is none, which is neither more nor less.
fn volume(draft: &Value, role: &str) -> f64 {
    let volume = track(draft, role).and_then(|track| track["sg"][0]["m"]["volume"].as_f64());
    volume.unwrap_or(f64::NAN)
}

fn title_of(draft: &Value) -> Option<(&str, u64, u64)> {
    let segment = &track(draft, "title")?["sg"][0];
    // The first segment of a track starts at 0 unless it says otherwise.
    let start = segment["m"]["start"].as_u64().unwrap_or(0);
    Some((segment["m"]["text"].as_str()?, start, start + segment["d"].as_u64()?))
}

/// A session with a video of 4 tracks and more than 5 s, a song and an image.
async fn with_video(backend: &LocalBackend, client_id: &str) -> (Caller, String) {
    let caller = Caller::new(backend, client_id).await;
    let session = caller.session().await;
    let part = |name: &'static str, bytes: &'static [u8]| Part::bytes(bytes).file_name(name);
    let song = include_bytes!("../data/cases/audio/vbr.mp3");
    let form =
        Form::new().part("files", part("song.mp3", song)).part("files", part("sea.png", b"bytes"));
    caller.upload(&session, form).await;
    caller.say(&session, &format!("narrate: {SCRIPT}")).await;
    (caller, session)
}

#[tokio::test]
async fn what_an_edit_says_is_true_of_the_draft() {
    type Check = fn(&Value, &Value) -> bool;
    let table: [(&str, &str, &str, &str, Check); 14] = [
        (
            "add a title 'T' from 2 to 5 seconds",
            "“T” (2 s-5 s)",
            "从2秒到5秒加标题“T”",
            "“T”（2 秒 到 5 秒）",
            |_, new| title_of(new) == Some(("T", 2000, 5000)),
        ),
        (
            "change the title to 'U'",
            "no title, so I added “U”",
            "把标题改成“U”",
            "没有标题，已添加“U”",
            |_, new| title_of(new) == Some(("U", 0, 3000)),
        ),
        ("captions off", "captions are off", "字幕关", "字幕已关闭", |_, new| {
            track(new, "captions").is_none()
        }),
        (
            "mute the voiceover",
            "voiceover is muted",
            "把配音静音",
            "配音已静音",
            |_, new| volume(new, "voiceover") == 0.0,
        ),
        (
            "set the music to 35%",
            "music is at 35%",
            "音乐音量35%",
            "音乐音量已调到 35%",
            |_, new| volume(new, "music") == 0.35,
        ),
        (
            "make the music louder",
            "music is louder",
            "音乐大声一点",
            "音乐已调大",
            |old, new| volume(new, "music") > volume(old, "music"),
        ),
        (
            "make the voiceover quieter",
            "voiceover is quieter",
            "配音小声一点",
            "配音已调小",
            |old, new| volume(new, "voiceover") < volume(old, "voiceover"),
        ),
        ("trim to 3 seconds", "ends after 3 s", "裁剪到3秒", "裁剪到 3 秒", |_, new| {
            new["d"] == 3000
        }),
        (
            "cut the last 2 seconds",
            "cut the last 2 s",
            "剪掉最后2秒",
            "剪掉最后 2 秒",
            |old, new| old["d"].as_u64() == new["d"].as_u64().map(|length| length + 2000),
        ),
        ("remove track 2", "removed track 2", "删除第2轨", "删除第 2 轨", |old, new| {
            new["t"].as_array().unwrap().len() + 1 == old["t"].as_array().unwrap().len()
                && new["t"][1] == old["t"][2]
        }),
        ("remove the music", "removed the music", "删除音乐", "已删除音乐", |_, new| {
            track(new, "music").is_none()
        }),
        ("make it portrait", "video is 9:16", "换成竖屏", "换成竖屏", |_, new| {
            new["m"]["aspect"] == "9:16"
        }),
        (
            "make the background ocean",
            "ocean gradient",
            "背景换成海洋",
            "海洋渐变",
            |_, new| track(new, "background").unwrap()["sg"][0]["m"]["gradient"] == "ocean",
        ),
        (
            "use a male voice at 2x",
            "a male voice, pace 2",
            "换成男声，语速2倍",
            "男声，语速 2 倍",
            |old, new| new["d"].as_u64() < old["d"].as_u64(),
        ),
    ];
    let backend = talkative().start().await.unwrap();
    for (row, (english, said, chinese, said_in_chinese, is_so)) in table.into_iter().enumerate() {
        for (tongue, message, words) in [("en", english, said), ("zh", chinese, said_in_chinese)] {
            let (caller, session) = with_video(&backend, &format!("{tongue}-{row}")).await;
            let before = caller.draft(&session).await;
            let stream = caller.say(&session, message).await;
            let after = caller.draft(&session).await;
            assert!(last(&stream).contains(words), "{message}: {}", last(&stream));
            assert!(is_so(&before, &after), "{message}: {before}\n{after}");
            assert_eq!(stream.drafts(), [after], "{message}");
        }
    }
}

#[tokio::test]
async fn what_was_not_done_is_not_claimed_and_not_charged() {
    let backend = talkative().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    caller.say(&session, &format!("narrate: {SCRIPT}")).await;
    let (credits, draft) = (caller.credits().await, caller.draft(&session).await);
    for (message, words) in [
        ("make the voiceover louder", "as loud as it gets"),
        ("配音大声一点", "已经是最大音量"),
        ("add background music", "drag and drop an audio file"),
        ("加背景音乐", "拖拽到素材面板"),
        ("use my picture as the background", "There is no image yet"),
        ("用我上传的图片做背景", "还没有图片"),
        ("remove track 9", "no track 9; the timeline has 3"),
        ("删除第9轨", "没有第 9 轨，时间轴上共有 3 轨"),
        ("remove the music", "no track with music"),
        ("删除音乐", "没有音乐"),
        ("trim to 90 minutes", "The video is only"),
        ("裁剪到90分钟", "视频总共只有"),
        ("add a title 'T' from 60 to 70 seconds", "The video is over after"),
        ("从60秒到70秒加标题“T”", "视频只到"),
        ("in Japanese", "no voice for the language `ja-JP`"),
        ("用日语", "没有语言“ja-JP”的配音。可用的语言：en-US"),
        ("mute the voiceover and use a Japanese voice", "no voice for the language `ja-JP`"),
        ("sing me a song", "did not understand"),
        ("给我唱首小曲吧", "我没听懂"),
    ] {
        let stream = caller.say(&session, message).await;
        let text = last(&stream);
        assert!(text.contains(words), "{message}: {text}");
        assert_eq!(is_chinese(text), is_chinese(message), "{message}: {text}");
        let free = if is_chinese(text) { "没有扣除积分" } else { "nothing was charged" };
        assert!(text.contains(free), "{message}: {text}");
        assert!(stream.calls().is_empty() && stream.drafts().is_empty(), "{message}");
        assert_eq!(caller.draft(&session).await, draft, "{message}");
    }
    assert_eq!(caller.credits().await, credits);
}

/// Words that mean something to the agent, in sentences that ask for nothing.
const PROSE: [&str; 26] = [
    "Our product is quick to set up and easy to love.",
    "We portrait artists love square pictures.",
    "The music stopped when the captions were off.",
    "Quick to set up, easy to love.",
    "Set up quickly.",
    "Make every portrait count.",
    "Turn heads with a square picture.",
    "People say our product is great: it works.",
    "Our subscription: simple and fair.",
    "Say hello to our new product: the kettle.",
    "We make films: they are short.",
    "Read the room: nobody laughs.",
    "Please read the document carefully before you sign it.",
    "Create a script for a movie about portrait artists.",
    "They wanted to undo everything they had done.",
    "The title of the book was changed to Dune.",
    "She narrated with warmth. The voiceover was slower than the music.",
    "An essay on tea\n\nTea came first.",
    "2",
    "我们的产品快速上手。",
    "音乐停的时候字幕关了。",
    "我们爱竖屏照片。",
    "这部电影的配音很棒：声音清晰。",
    "他说话很快，声音很大。",
    "她说不要音乐的人生没有意思。",
    "老师让我们朗读课文：春天来了。",
];

#[tokio::test]
async fn prose_is_no_order_and_costs_nothing() {
    let backend = talkative().start().await.unwrap();
    let (caller, session) = with_video(&backend, "one").await;
    let (credits, draft) = (caller.credits().await, caller.draft(&session).await);
    let quick = "A good kettle is quick, quiet and warm, in the office and at home. Mute people \
                 love the music of boiling water; portrait painters do too. ";
    let pasted = quick.repeat(3_000 / quick.len() + 1);
    for message in PROSE.into_iter().chain([pasted.as_str()]) {
        let stream = caller.say(&session, message).await;
        let text = last(&stream);
        let unknown = if is_chinese(message) { "我没听懂" } else { "I did not understand" };
        assert!(text.contains(unknown), "{message}: {text}");
        assert!(stream.calls().is_empty(), "{message}");
        assert_eq!(caller.draft(&session).await, draft, "{message}");
    }
    assert_eq!(caller.credits().await, credits);
}

#[tokio::test]
async fn an_order_is_understood_in_many_wordings() {
    let backend = talkative().credits(Credits::new(1_000.0)).start().await.unwrap();
    for (row, (message, said)) in [
        ("Could you please turn the captions off?", "captions are off"),
        ("I'd like a vertical video", "video is 9:16"),
        ("portrait please", "video is 9:16"),
        ("Can you make the background music a little quieter, please", "music is quieter"),
        ("OK. Now make it faster.", "pace 1.2"),
        ("faster", "pace 1.2"),
        ("Speak a bit more slowly", "pace 0.85"),
        ("slow the voice down", "pace 0.83"),
        ("speed it up", "pace 1.2"),
        ("get rid of the captions", "captions are off"),
        ("German please", "de-DE"),
        ("please switch to a male voice", "a male voice"),
        ("remove the annoying music, thanks", "removed the music"),
        ("hello, could we have a title 'Tea' from 0 to 2 seconds?", "title “Tea”"),
        ("set the music volume to 50 percent throughout the film", "music is at 50%"),
        ("let's use the uploaded picture as background", "“sea.png” is the background"),
        ("use the song I uploaded as background music", "“song.mp3” plays"),
        ("请把字幕关掉，谢谢", "字幕已关闭"),
        ("能不能换成竖屏", "换成竖屏"),
        ("麻烦把背景音乐小声一点", "音乐已调小"),
        ("我想要男声", "男声"),
        (
            "use song.mp3 as background music at 35% volume",
            "“song.mp3” plays in the background at 35%",
        ),
        ("用sea.png做背景", "“sea.png”已设为背景"),
        ("use rain.mp3 as background music", "There is no upload called “rain.mp3”"),
        ("add a title 'Tea', then make the title 4 seconds", "title is shown from 0 s to 4 s"),
        ("加标题“茶”，然后把标题改成90秒", "标题“茶”（0 秒 到 5.8 秒）"),
        ("export film.mp4", "An export is a request of its own, and free. Nothing was charged."),
        ("add a title 'Tea' and then export", "title “Tea” (0 s-3 s). A message edits the video"),
    ]
    .into_iter()
    .enumerate()
    {
        let (caller, session) = with_video(&backend, &format!("caller-{row}")).await;
        let stream = caller.say(&session, message).await;
        assert!(last(&stream).contains(said), "{message}: {}", last(&stream));
        assert!(!last(&stream).contains("not understand"), "{message}: {}", last(&stream));
    }
}

#[tokio::test]
async fn an_uploaded_script_that_is_not_there_is_not_replaced_by_another() {
    let backend = talkative().start().await.unwrap();
    let (caller, session) = with_video(&backend, "one").await;
    let credits = caller.credits().await;
    for (message, words) in [
        ("Turn the uploaded script into a video.", "There is no uploaded script"),
        ("Make a voiceover video of the uploaded script. Voice: male.", "no uploaded script"),
        ("把上传的文稿做成视频", "还没有文稿上传"),
    ] {
        let stream = caller.say(&session, message).await;
        assert_eq!(stream.events[0]["errorCode"], "NO_SCRIPT", "{message}");
        assert!(last(&stream).contains(words), "{message}: {}", last(&stream));
    }
    assert_eq!(caller.credits().await, credits);
    let again = caller.say(&session, "Read the script again in German").await;
    assert_eq!(again.calls(), ["generate_voiceover", "finish_video"]);
}

#[tokio::test]
async fn a_number_that_cannot_be_is_said_to_be_so() {
    let backend = talkative().start().await.unwrap();
    let (caller, session) = with_video(&backend, "one").await;
    let price = |message: &'static str, words: &'static str, price: f64| {
        let (caller, session) = (caller.clone(), session.clone());
        async move {
            let (before, _) = caller.credits().await;
            let stream = caller.say(&session, message).await;
            assert!(last(&stream).contains(words), "{message}: {}", last(&stream));
            assert_eq!(before - caller.credits().await.0, price, "{message}");
        }
    };
    price("set the music to 20%", "music is at 20% already", 0.0).await;
    price("音乐音量20%", "音乐音量已经是 20%", 0.0).await;
    price("set the music to 900%", "music is at 100% now: 900% would be louder", 2.0).await;
    price("set the music to 900%", "as loud as it gets", 0.0).await;
    price("音乐音量调到300%", "已经是最大音量", 0.0).await;
    price("trim to -5 seconds", "“-5” is below zero", 0.0).await;
    price("裁剪到-5秒", "小于零", 0.0).await;
    price("set the music to -20%", "“-20%” is below zero", 0.0).await;
    price("trim to 0 seconds", "Nothing of the video would be left", 0.0).await;
    price("mute the music", "music is muted", 2.0).await;
    price("mute the music", "music is muted already", 0.0).await;
}

#[tokio::test]
async fn a_chinese_voiceover_is_replied_to_and_declined_in_chinese() {
    let backend = talkative().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    for (message, code, words) in [
        ("给这段文字配音：今天天气很好。", "UNSUPPORTED_LANGUAGE", "没有语言“zh-CN”的配音"),
        ("朗读：……", "EMPTY_SCRIPT", "没有可朗读的内容"),
        ("把上传的文稿做成视频", "NO_SCRIPT", "还没有文稿"),
    ] {
        let stream = caller.say(&session, message).await;
        let error = stream.events.iter().find(|event| event["errorCode"].is_string()).unwrap();
        assert_eq!(error["errorCode"], code, "{message}");
        assert!(error["errorMessage"].as_str().unwrap().contains(words), "{error}");
        assert!(last(&stream).contains(words) && last(&stream).ends_with("没有扣除积分。"));
    }
    assert_eq!(caller.credits().await, (100.0, 0.0));

    let order = format!("给这段文字配音，用女声，竖屏，标题“天空”：{SCRIPT}");
    let stream = caller.say(&session, &order).await;
    assert_eq!(stream.calls(), ["generate_voiceover", "finish_video"]);
    assert_eq!(stream.texts().len(), 3);
    assert!(stream.texts().iter().all(|text| is_chinese(text)), "{:?}", stream.texts());
    let draft = caller.draft(&session).await;
    let sentences = track(&draft, "voiceover").unwrap()["sg"].as_array().unwrap().len();
    let length = draft["d"].as_f64().unwrap() / 1000.0;
    assert!(last(&stream).contains(&format!("{sentences} 句")), "{}", last(&stream));
    assert!(last(&stream).contains(&format!("{} 秒", (length * 10.0).round() / 10.0)));
    assert_eq!(draft["m"]["aspect"], "9:16");
    assert_eq!(title_of(&draft).unwrap().0, "天空");
    assert_eq!(caller.credits().await, (80.0, 0.0));
}

#[tokio::test]
async fn an_unreadable_script_is_explained_in_the_language_of_the_message() {
    let backend = talkative().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    let broken = Part::bytes(b"no archive".as_slice()).file_name("broken.docx");
    caller.upload(&session, Form::new().part("files", broken)).await;
    let english = caller.say(&session, "Turn the uploaded script into a video").await;
    assert!(last(&english).contains("`broken.docx` cannot be read: it is no DOCX"));
    let chinese = caller.say(&session, "把上传的文稿做成视频").await;
    assert!(last(&chinese).contains("无法读取文稿“broken.docx”：不是 DOCX 文件"));
}

#[tokio::test]
async fn every_reply_costs_what_the_price_list_says() {
    let backend = talkative().start().await.unwrap();
    let (caller, session) = with_video(&backend, "one").await;
    for (message, price) in [
        ("加标题“早晨”", 2.0),
        ("add a title 'T', captions off and mute the music", 2.0),
        ("换成男声", 20.0),
        ("撤销", 0.0),
        ("undo the last two changes", 0.0),
        ("你能做什么？", 0.0),
        ("help", 0.0),
        ("删除第9轨", 0.0),
    ] {
        let (before, _) = caller.credits().await;
        caller.say(&session, message).await;
        let (after, frozen) = caller.credits().await;
        assert_eq!((before - after, frozen), (price, 0.0), "{message}");
    }
}

#[tokio::test]
async fn an_undo_goes_back_exactly_as_far_as_it_says() {
    let backend = talkative().start().await.unwrap();
    let (caller, session) = with_video(&backend, "one").await;
    let mut drafts = vec![caller.draft(&session).await];
    for edit in ["加标题“一”", "换成男声，慢一点", "裁剪到4秒", "换成方形", "mute the music"]
    {
        caller.say(&session, edit).await;
        let draft = caller.draft(&session).await;
        assert_ne!(Some(&draft), drafts.last(), "{edit}");
        drafts.push(draft);
    }
    for (message, words, left) in [
        ("撤销", "已撤销。", 5),
        ("撤销两步", "已撤销最近 2 步。", 3),
        ("undo", "That is undone.", 2),
    ] {
        let stream = caller.say(&session, message).await;
        assert!(last(&stream).starts_with(words), "{message}: {}", last(&stream));
        drafts.truncate(left);
        assert_eq!(Some(&caller.draft(&session).await), drafts.last(), "{message}");
    }
    // One edit and the video itself are left.
    let stream = caller.say(&session, "撤销九步").await;
    assert!(last(&stream).starts_with("已撤销全部 2 步"), "{}", last(&stream));
    assert!(caller.draft(&session).await.is_null());
    let (credits, _) = caller.credits().await;
    let stream = caller.say(&session, "撤销").await;
    assert_eq!(last(&stream), "没有可撤销的修改。没有扣除积分。");
    assert_eq!(caller.credits().await.0, credits);
}

/// The replies to the same edit, repeated.
async fn replies(backend: &LocalBackend, client_id: &str, edit: &str, times: usize) -> Vec<String> {
    let (caller, session) = with_video(backend, client_id).await;
    let mut replies = Vec::new();
    for _ in 0..times {
        replies.push(last(&caller.say(&session, edit).await).to_owned());
    }
    replies
}

#[tokio::test]
async fn talk_of_the_screen_goes_round_and_is_the_same_each_time() {
    let backend = talkative().start().await.unwrap();
    for (tongue, edit, expected) in [
        (
            "en",
            "change the title to 'T'",
            [
                // The second turn: there is a title by then.
                "There was no title, so I added “T”. Drag the title on the timeline to move it.",
                "The title is now “T”, click Export to save it.",
                "The title is now “T”. Open the media panel to see your uploads.",
                "The title is now “T”, preview it in the timeline.",
                "The title is now “T”. Click the Export button to save it.",
                "The title is now “T”. Check your account's billing page for credits.",
                "The title is now “T”. Preview it in the timeline.",
            ],
        ),
        (
            "zh",
            "标题改成“T”",
            [
                "原来没有标题，已添加“T”。拖拽时间轴上的标题即可移动。",
                "标题已改为“T”，点击“导出”按钮保存。",
                "标题已改为“T”。打开素材面板查看。",
                "标题已改为“T”，可在时间轴中预览。",
                "标题已改为“T”。点击“导出”按钮保存。",
                "标题已改为“T”。积分请到账户的账单页面查看。",
                "标题已改为“T”。可在时间轴中预览。",
            ],
        ),
    ] {
        let first = replies(&backend, &format!("{tongue}-1"), edit, 7).await;
        assert_eq!(first, expected);
        assert_eq!(first, replies(&backend, &format!("{tongue}-2"), edit, 7).await);
    }

    // A video too: content and screen share a sentence in the second turn.
    let caller = Caller::new(&backend, "videos").await;
    let session = caller.session().await;
    let mut videos = Vec::new();
    for _ in 0..2 {
        videos.push(last(&caller.say(&session, &format!("narrate: {SCRIPT}")).await).to_owned());
    }
    assert!(videos[0].ends_with(". Click the Export button to save it."), "{videos:?}");
    assert!(videos[1].ends_with("clip of 2 sentences is ready, click Export to save it."));
}

#[tokio::test]
async fn the_screen_is_not_said_to_show_what_is_not_there() {
    let backend = talkative().start().await.unwrap();
    let caller = Caller::new(&backend, "one").await;
    let session = caller.session().await;
    caller.say(&session, &format!("narrate: {SCRIPT}")).await;
    for _ in 0..8 {
        let stream = caller.say(&session, "make it square").await;
        let text = last(&stream);
        assert!(!text.contains("title") && !text.contains("uploads"), "{text}");
    }
}

#[tokio::test]
async fn an_edit_may_be_silent_in_both_languages_and_is_done_all_the_same() {
    let builder = talkative().silent_edits(Frequency::Always);
    let backend = builder.trailing_noise(Frequency::Always).start().await.unwrap();
    let (caller, session) = with_video(&backend, "one").await;
    for (message, tracks) in [("加标题“一”", 5), ("add a title 'two'", 6), ("撤销", 5), ("undo", 4)]
    {
        let stream = caller.say(&session, message).await;
        assert!(stream.texts().is_empty(), "{message}: {:?}", stream.texts());
        assert_eq!(stream.calls().len(), 1, "{message}");
        let draft = caller.draft(&session).await;
        assert_eq!(draft["t"].as_array().unwrap().len(), tracks, "{message}");
    }
}

#[tokio::test]
async fn noise_follows_replies_when_enabled_and_never_a_decline() {
    let noise = ["I encountered a temporary issue.", "我遇到了一个临时问题。"];
    let backend = talkative().trailing_noise(Frequency::Always).start().await.unwrap();
    let (caller, session) = with_video(&backend, "always").await;
    for (message, noise) in [
        ("make it square", Some(noise[0])),
        ("换成竖屏", Some(noise[1])),
        ("help", Some(noise[0])),
        ("撤销", Some(noise[1])),
        ("删除第9轨", None),
        ("sing me a song", None),
        ("朗读：……", None),
    ] {
        let stream = caller.say(&session, message).await;
        let texts = stream.texts();
        let heard = texts.iter().filter(|text| Some(**text) == noise).count();
        assert_eq!(heard, usize::from(noise.is_some()), "{message}: {texts:?}");
        let reply = texts.iter().filter(|text| !text.contains("temporary issue"));
        assert!(reply.count() > 0, "{message}: {texts:?}");
        assert!(noise.is_some() || !last(&stream).contains("临时问题"), "{message}: {texts:?}");
    }

    let backend = talkative().trailing_noise(Frequency::Every(2)).start().await.unwrap();
    let (caller, session) = with_video(&backend, "second").await;
    let mut noisy = Vec::new();
    for _ in 2..6 {
        noisy.push(last(&caller.say(&session, "make it square").await) == noise[0]);
    }
    assert_eq!(noisy, [true, false, true, false]);
    let backend = talkative().start().await.unwrap();
    let quiet = replies(&backend, "never", "make it square", 4).await;
    assert!(quiet.iter().all(|text| text != noise[0]), "{quiet:?}");
}
