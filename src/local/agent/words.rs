//! The vocabulary of the agent, in English and Chinese. Each list is one concept. Spaces separate
//! its terms, `_` stands for a space within a term, and a term behind `=` is meant only where it is
//! the whole phrase; `MessagePhrase::has` says how they match.

macro_rules! vocabulary {
    ($($(#[$doc:meta])* $name:ident = $terms:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: &str = $terms;)*
        /// The concepts whose words an order may contain.
        pub(crate) const KNOWN: &[&str] = &[$($name),*];
    };
}

vocabulary! {
    // Parts of a video.
    CAPTIONS = "caption captions subtitle subtitles subs 字幕";
    TITLES = "title titles heading headline titled 标题";
    TEXT_CARDS = "text card words 文字 字卡";
    MUSIC = "music bgm soundtrack song tune 音乐 配乐 歌 背景乐";
    VOICE = "voice voiceover voice-over narration narrator speech speaker 配音 旁白 人声 解说";
    AUDIO = "volume loud loudness sound audio 音量 声音";
    BACKGROUND = "background backdrop gradient palette 背景";
    IMAGES = "picture image photo photograph upload uploaded 图 照片 相片";
    LENGTH = "long length 时长 长度";
    PACE = "pace speed slow rate tempo 语速 速度 倍";
    VIDEOS = "video film clip movie 视频 短片 影片 片子";
    VOICEOVERS = "voiceover voice-over voice_over narration narrated script";

    // What is done to them.
    REMOVE = "remove delete drop lose without no off clear rid 删 去掉 去除 移除 拿掉 清除 不要";
    OFF = "off no none without remove delete hide disable drop false don't lose rid \
        不要 不用 不带 不加 去掉 去除 移除 删 关闭 关掉 关了 字幕关 字幕:关 关字幕 无字幕 没有 隐藏 =关 =无";
    CHANGE = "change rename replace set make 改 换成 换为 设为 设成";
    GIVE_TITLE = "add put set change rename replace make use give insert with saying called titled \
        加 添 改 换 设 叫 写";
    ADD_MUSIC = "add use put play insert with include set background 加 添 用 配上 放 背景";
    SHOW_IMAGE = "use show put add 用 放 加 换 显示";
    CUT = "cut trim shorten remove delete crop drop 剪 裁 截 去掉 删 缩短";

    // Volume.
    MUTE = "mute silence silent 静音";
    UNMUTE = "unmute 取消静音 恢复声音";
    LOUDER = "louder 大声 大点声 响一点 响一些";
    QUIETER = "quieter softer 小声 小点声 轻一点 安静一点";
    UP = "raise increase up 调大 调高 提高 增大 加大 大一点 大一些 大点 高一点";
    DOWN = "lower reduce decrease down 调小 调低 降低 减小 小一点 小一些 小点 低一点";

    // Pace. A mere "快" is no fast speech: it is also in "happy" and "as soon as possible".
    PACE_VALUE = "pace speed rate x 语速 倍速 速度";
    SLOW = "slow slowly slower 慢";
    FAST = "fast quick quickly faster 快一点 快一些 快点 快些 语速快 语速要快 加快 快速 =快";
    SLOWER = "slower 慢一点 慢一些 慢点 慢些 放慢 更慢";
    FASTER = "faster quicker 快一点 快一些 快点 快些 加快 更快";
    /// Verbs beside which "fast" does not describe speech: "set up quickly".
    NOT_SPOKEN = "use add put show cut trim remove delete turn start end get try take play begin \
        keep have place pick choose select";

    // Positions in time.
    TO = "to 到 至 成 为";
    AT_END = "last end 最后 末尾 结尾";
    AT_START = "first start beginning 开头 前";
    LASTING = "for 持续 停留 显示";
    STARTING = "at from after 在 从 后";

    // Choices.
    MALE = "male man man's masculine men 男声 男性 男生 男音 男的 男人 =男";
    FEMALE = "female woman woman's feminine lady 女声 女性 女生 女音 女的 女人 =女";
    LANDSCAPE = "16:9 landscape horizontal widescreen 横屏 横版 横向 宽屏";
    PORTRAIT = "9:16 portrait vertical tiktok reel reels shorts 竖屏 竖版 竖向 抖音";
    SQUARE = "1:1 square 方形 方屏 正方";
    /// Moods that ask for another background without naming it.
    MOODS = "warmer cooler colder darker 暖一点 暖一些 更暖 暖和一点 冷一点 冷一些 更冷 暗一点 暗一些 更暗";

    // Orders for a voiceover.
    UPLOADED = "upload uploaded attached file document docx txt 上传 文件 文档";
    SCRIPTS = "script document docx txt 文稿 脚本 文档 文案 稿子";
    FILES = "file upload uploaded text 文件 上传 文字 文本";
    NON_SCRIPT = "picture image photo music song 图 照片 音乐 歌";
    /// What the script is called that comes with the order.
    POINTERS = "this these following below it aloud script text";
    MAKE = "make create generate produce turn convert do";
    SPEAK = "narrate read speak say dub record voice";
    /// Verbs of edits, which order no voiceover.
    EDIT_VERBS = "remove delete mute unmute set change lower raise trim cut undo add";
    HAN_MAKE = "做 制作 生成 转成 转换 变成 创建";
    HAN_SPEECH = "配音 朗读 解说 旁白 读 念";
    HAN_SPEAK = "配音 旁白 朗读 解说 口播 播报 念这 念一 念出 读这 读一 读出 脚本 文案 文稿";
    HAN_EDITS = "删 去掉 移除 静音 换成 改成 调 音量 大声 小声";
    HAN_REWORK = "撤销 换个 改为 设为 剪 裁 加标题 加个 加上 加一个 添加 加字幕 加音乐 提高";
    /// How a Chinese request begins, whatever it is about.
    HAN_ASKING = "请 给 把 将 帮 麻烦";

    // Orders as a whole. Verbs in the past, "is" and "are", and persons besides "me" and "my" are
    // absent on purpose: a sentence with one of them states something.

    /// Verbs that begin an order.
    VERBS = "add remove delete drop mute unmute make set change turn use put trim cut show hide lose \
        clear raise lower increase decrease reduce speed slow shorten crop rename replace insert \
        play include give take get switch swap enable disable silence speak read say talk \
        narrate record dub convert render create generate produce redo undo revert keep do have \
        go place display pick choose select try start end begin be voice don't adjust bring";
    /// Nouns of a video.
    NOUNS = "caption captions subtitle subtitles subs title titles heading headline titled text card \
        words film video clip movie voice voiceover voice-over narration narrator speech speaker \
        music bgm soundtrack song tune track tracks audio sound volume loudness background \
        backdrop gradient palette picture image photo photograph upload file script document \
        docx txt pace speed rate tempo aspect ratio format shape orientation length accent \
        timeline";
    /// English words of an order that belong to no concept above.
    OTHER_WORDS = "normal quiet soft muted tone dusk ocean forest ember slate bigger smaller larger \
        bold longer short shorter mode style lang language gender s sec secs second seconds ms \
        milliseconds m min mins minute minutes percent percentage times half full maximum max \
        zero one two three four five six seven eight nine ten third fourth fifth sixth twice \
        level number changes edit edits step steps version previous original everything all both \
        other another new whole entire same current above a an the its that them my me in on of \
        by as and or than into onto over under behind only just also now again back out not true \
        should instead so too very much bit little lot slightly really please then before until \
        till throughout through between next reading says aside away along well there here";
    /// Chinese words and particles of an order that belong to no concept above.
    OTHER_HAN = "帮我 帮忙 让 我要 我想 谢谢 多谢 你好 您好 好的 可以 能不能 能 可不可以 吗 吧 了 呢 啊 \
        的 得 地 我想要 我 你 您 使 使用 变 设置 调整 调到 调成 里 上 下 中 和 并 并且 以及 还有 然后 同时 \
        再 再次 又 也 还 就 都 只 要 一 个 条 段 张 首 些 点 一下 一点 一些 遍 次 步 处 号 第 这 那 它 \
        下面 以下 所有 全部 整个 最 更 很 太 稍微 有 无 不 带 零 二 三 四 五 六 七 八 九 十 两 半 一半 \
        百分之 最大 秒 分 毫 轨 道 最近 删除 删掉 关 打开 开 开启 加入 配 播放 插入 裁剪 剪掉 撤消 撤回 \
        回退 回到 取消 恢复 上一步 修改 改动 操作 重新 说 讲 录 来 背景音乐 歌曲 声 音 音轨 轨道 时间轴 \
        画面 屏幕 比例 画幅 图片 渐变 语言 色调 色 颜色 字体 字号 位置 内容 正文 正方形 快 正常 大 小 响 \
        轻 安静 高 低 男 女 长 短 海洋 暖和 温暖 柔和 温和 深";
}

pub(crate) const UNDO: &str =
    "undo revert take_that_back 撤销 取消上一步 撤消 撤回 回退 回到上一步";
pub(crate) const HELP: &str = "what_can_you what_do_you_understand =help \
    你能做什么 你会做什么 你会什么 能帮我做什么 怎么用 =帮助 =使用帮助";
/// How a text or a picture looks, which the agent cannot change.
pub(crate) const LOOKS: &str = "bigger smaller larger size font color colour move bold \
    大 小 字体 字号 颜色 位置 移 拖 粗";
pub(crate) const MAKE_AGAIN: &str = "make create generate produce turn convert narrate read record \
    speak redo voice please can could";
pub(crate) const HAN_MAKE_AGAIN: &str = "重新 再配 再朗 再读 再念 来一段 来个 录";
/// Phrases that change nothing in a request.
pub(crate) const NEUTRAL: &str = "i_uploaded i_just_uploaded i_have_uploaded i_sent i_gave_you \
    bit_more little_more once_more more_slowly more_quickly one_more_time";
/// Beginnings of a request besides [`COURTESY`], a longer one before those that it begins with.
pub(crate) const LEADS: &str = "i_want_you_to i_want_to i_want i_would_like_you_to \
    i_would_like_to i_would_like i_need_you_to i_need_to i_need i_would_prefer i_prefer \
    we_want_to we_want we_need_to we_need we_would_like_to we_would_like can_you could_you \
    would_you will_you can_we could_we can_i could_i may_i let_us let_me let_it go_ahead_and please";
/// Ends of a request.
pub(crate) const TRAILS: &str = "please thanks thank_you for_me if_possible if_you_can would_you";
/// Words around a request that ask for nothing.
pub(crate) const COURTESY: &str = "hello hi hey okay now then also and just next thanks thank_you \
    great good yes actually maybe perfect so";
/// The verbs that a phrase may lend to the next one: "remove the title and the captions".
pub(crate) const SHARED_VERBS: &str = "add remove delete drop mute make set change turn use put \
    trim cut show hide";
pub(crate) const HAN_SHARED_VERBS: &str = "删除 删掉 删 去掉 移除 不要 静音 添加 加上 加 改成 改为 换成 \
    改 换 设 调 用 剪掉 裁剪 剪 裁 显示 隐藏 打开 关闭 关掉 关 开";
/// What stands between the word for a title and its text.
pub(crate) const TITLE_FILLERS: &str = "to saying that says reading with the text of card";
pub(crate) const HAN_TITLE_FILLERS: &str =
    "改成 改为 改 换成 换为 设为 设成 叫做 叫 写着 内容 为 是 ：";

pub(crate) const NUMBERS: &str = "zero one two three four five six seven eight nine ten";
pub(crate) const ORDINALS: &str = "zeroth first second third fourth fifth sixth";
pub(crate) const NUMERALS: &str = "零一二三四五六七八九十两";

/// The moods and colours that people use for the palettes.
pub(crate) const PALETTE_MOODS: [(&str, &str); 5] = [
    ("ember", "warm warmer brown red orange fire 暖 余烬 红 橙 棕 火"),
    ("ocean", "cool cooler cold colder blue teal sea 冷 蓝 海"),
    ("forest", "green nature moss 绿 森林 自然"),
    ("slate", "grey gray neutral plain dark darker 灰 暗 深色 石板"),
    ("dusk", "purple indigo sunset evening 紫 黄昏 日落 傍晚"),
];

/// Languages of a voice, as BCP-47 tags; a longer name stands before one that it contains.
pub(crate) const VOICE_LANGUAGES: [(&str, &str); 18] = [
    ("en-US", "american_english us_english 美式英语"),
    ("en-GB", "british_english uk_english british 英式英语"),
    ("en-US", "american english 英语 英文"),
    ("de-DE", "german deutsch 德语 德文"),
    ("es-ES", "spanish español 西班牙语 西语"),
    ("fr-FR", "french français 法语 法文"),
    ("it-IT", "italian italiano 意大利语"),
    ("yue", "cantonese 粤语"),
    ("zh-CN", "chinese mandarin 中文 汉语 普通话"),
    ("ja-JP", "japanese 日语 日文"),
    ("ko-KR", "korean 韩语"),
    ("pt-PT", "portuguese 葡萄牙语"),
    ("nl-NL", "dutch 荷兰语"),
    ("pl-PL", "polish 波兰语"),
    ("ru-RU", "russian 俄语"),
    ("ar", "arabic 阿拉伯语"),
    ("hi-IN", "hindi 印地语"),
    ("tr-TR", "turkish 土耳其语"),
];
/// What stands before and behind a language that is that of a voice.
pub(crate) const OF_VOICE: (&str, &str) = (
    "in into auf speak language to",
    "voice voiceover voice-over narration narrator accent speaker male_voice female_voice",
);
pub(crate) const HAN_OF_VOICE: (&str, &str) =
    ("用 说 讲 成 为 语言 语言: 语言是", "配音 朗读 解说 旁白 男声 女声 的男声 的女声");

/// An option of a voiceover that a label names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OptionLabel {
    Voice,
    Language,
    Aspect,
    Captions,
    Pace,
    Title,
    Background,
    /// Sets nothing: uploaded audio is played whether it is named or not.
    Music,
}

pub(crate) const LABELS: [(OptionLabel, &str); 8] = [
    (OptionLabel::Voice, "voice narrator speaker gender 声音 音色 配音员"),
    (OptionLabel::Language, "language lang 语言"),
    (OptionLabel::Aspect, "aspect aspect_ratio ratio format shape orientation 比例 画幅 画面比例"),
    (OptionLabel::Captions, "captions subtitles 字幕"),
    (OptionLabel::Pace, "pace speed rate 语速"),
    (OptionLabel::Title, "title heading 标题"),
    (OptionLabel::Background, "background 背景"),
    (OptionLabel::Music, "music background_music 音乐 配乐 背景音乐"),
];
