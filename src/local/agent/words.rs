//! The vocabulary of the agent, in English and Chinese. Each list is one concept; spaces separate
//! its terms, and `_` stands for a space within a term. See [`MessagePhrase::has`] for how they match.
//!
//! [`MessagePhrase::has`]: super::phrase::MessagePhrase::has

// Parts of a video.
pub(crate) const CAPTIONS: &str = "caption captions subtitle subtitles subs 字幕";
pub(crate) const TITLES: &str = "title titles heading headline titled 标题";
pub(crate) const TEXT_CARDS: &str = "text card words 文字 字卡";
pub(crate) const MUSIC: &str = "music bgm soundtrack song tune 音乐 配乐 歌 背景乐";
pub(crate) const VOICE: &str =
    "voice voiceover voice-over narration narrator speech speaker 配音 旁白 人声 解说";
pub(crate) const AUDIO: &str = "volume loud loudness sound audio 音量 声音";
pub(crate) const BACKGROUND: &str = "background backdrop gradient palette 背景";
pub(crate) const IMAGES: &str = "picture image photo photograph upload uploaded 图 照片 相片";
pub(crate) const LENGTH: &str = "long length 时长 长度";
pub(crate) const PACE: &str = "pace speed slow rate tempo 语速 速度 倍";
pub(crate) const VIDEOS: &str = "video film clip movie 视频 短片 影片 片子";
pub(crate) const VOICEOVERS: &str = "voiceover voice-over voice_over narration narrated script";

// What is done to them.
pub(crate) const REMOVE: &str = "remove delete drop lose without no off clear rid \
    删 去掉 去除 移除 拿掉 清除 不要";
pub(crate) const OFF: &str = "off no none without remove delete hide disable drop false don't lose \
    rid 不要 不用 不带 不加 去掉 去除 移除 删 关闭 关掉 关了 字幕关 字幕:关 关字幕 无字幕 没有 隐藏";
pub(crate) const CHANGE: &str = "change rename replace set make 改 换成 换为 设为 设成";
pub(crate) const GIVE_TITLE: &str = "add put set change rename replace make use give insert with \
    saying called titled 加 添 改 换 设 叫 写";
pub(crate) const ADD_MUSIC: &str =
    "add use put play insert with include set background 加 添 用 配上 放 背景";
pub(crate) const SHOW_IMAGE: &str = "use show put add 用 放 加 换 显示";
pub(crate) const CUT: &str = "cut trim shorten remove delete crop drop 剪 裁 截 去掉 删 缩短";
pub(crate) const UNDO: &str =
    "undo revert take_that_back 撤销 取消上一步 撤消 撤回 回退 回到上一步";
pub(crate) const HELP: &str = "what_can_you what_do_you_understand 你能做什么 你会做什么 你会什么 \
    能帮我做什么 怎么用";

// Volume.
pub(crate) const MUTE: &str = "mute silence silent 静音";
pub(crate) const UNMUTE: &str = "unmute 取消静音 恢复声音";
pub(crate) const LOUDER: &str = "louder 大声 大点声 响一点 响一些";
pub(crate) const QUIETER: &str = "quieter softer 小声 小点声 轻一点 安静一点";
pub(crate) const UP: &str = "raise increase up 调大 调高 提高 增大 加大 大一点 大一些 大点 高一点";
pub(crate) const DOWN: &str =
    "lower reduce decrease down 调小 调低 降低 减小 小一点 小一些 小点 低一点";

// Pace. A mere "快" is no fast speech: it is also in "happy" and "as soon as possible".
pub(crate) const PACE_VALUE: &str = "pace speed rate x 语速 倍速 速度";
pub(crate) const SLOW: &str = "slow slowly slower 慢";
pub(crate) const FAST: &str = "fast quick quickly faster 快一点 快一些 快点 快些 语速快 语速要快 \
    加快 快速";
pub(crate) const SLOWER: &str = "slower 慢一点 慢一些 慢点 慢些 放慢 更慢";
pub(crate) const FASTER: &str = "faster quicker 快一点 快一些 快点 快些 加快 更快";
/// Verbs beside which "fast" does not describe speech: "set up quickly".
pub(crate) const NOT_SPOKEN: &str = "use add put show cut trim remove delete turn start end get \
    try take play begin keep have place pick choose select";

// Positions in time.
pub(crate) const TO: &str = "to 到 至 成 为";
pub(crate) const AT_END: &str = "last end 最后 末尾 结尾";
pub(crate) const AT_START: &str = "first start beginning 开头 前";
pub(crate) const LASTING: &str = "for 持续 停留 显示";
pub(crate) const STARTING: &str = "at from after 在 从 后";

// Choices.
pub(crate) const MALE: &str = "male man man's masculine men 男声 男性 男生 男音 男的 男人";
pub(crate) const FEMALE: &str = "female woman woman's feminine lady 女声 女性 女生 女音 女的 女人";
pub(crate) const LANDSCAPE: &str = "16:9 landscape horizontal widescreen 横屏 横版 横向 宽屏";
pub(crate) const PORTRAIT: &str =
    "9:16 portrait vertical tiktok reel reels shorts 竖屏 竖版 竖向 抖音";
pub(crate) const SQUARE: &str = "1:1 square 方形 方屏 正方";
/// Moods that ask for another background without naming it.
pub(crate) const MOODS: &str = "warmer cooler colder darker 暖一点 暖一些 更暖 暖和一点 冷一点 \
    冷一些 更冷 暗一点 暗一些 更暗";
/// The moods and colours that people use for the palettes.
pub(crate) const PALETTE_MOODS: [(&str, &str); 5] = [
    ("ember", "warm warmer brown red orange fire 暖 余烬 红 橙 棕 火"),
    ("ocean", "cool cooler cold colder blue teal sea 冷 蓝 海"),
    ("forest", "green nature moss 绿 森林 自然"),
    ("slate", "grey gray neutral plain dark darker 灰 暗 深色 石板"),
    ("dusk", "purple indigo sunset evening 紫 黄昏 日落 傍晚"),
];
/// How a text or a picture looks, which the agent cannot change.
pub(crate) const LOOKS: &str = "bigger smaller larger size font color colour move bold \
    大 小 字体 字号 颜色 位置 移 拖 粗";

// Orders for a voiceover.
pub(crate) const UPLOADED: &str = "upload uploaded attached file document docx txt 上传 文件 文档";
pub(crate) const SCRIPTS: &str = "script document docx txt 文稿 脚本 文档 文案 稿子";
pub(crate) const FILES: &str = "file upload uploaded text 文件 上传 文字 文本";
pub(crate) const NON_SCRIPT: &str = "picture image photo music song 图 照片 音乐 歌";
/// What the script is called that comes with the order.
pub(crate) const POINTERS: &str = "this these following below it aloud script text";
pub(crate) const MAKE: &str = "make create generate produce turn convert do";
pub(crate) const MAKE_AGAIN: &str = "make create generate produce turn convert narrate read record \
    speak redo voice please can could";
pub(crate) const SPEAK: &str = "narrate read speak say dub record voice";
/// Verbs of edits, which order no voiceover.
pub(crate) const EDIT_VERBS: &str =
    "remove delete mute unmute set change lower raise trim cut undo add";
pub(crate) const HAN_MAKE: &str = "做 制作 生成 转成 转换 变成 创建";
pub(crate) const HAN_MAKE_AGAIN: &str = "重新 再配 再朗 再读 再念 来一段 来个 录";
pub(crate) const HAN_SPEECH: &str = "配音 朗读 解说 旁白 读 念";
pub(crate) const HAN_SPEAK: &str = "配音 旁白 朗读 解说 口播 播报 念这 念一 念出 读这 读一 读出 \
    脚本 文案 文稿";
pub(crate) const HAN_EDITS: &str = "删 去掉 移除 静音 换成 改成 调 音量 大声 小声";
pub(crate) const HAN_REWORK: &str = "撤销 换个 改为 设为 剪 裁 加标题 加个 加上 加一个 添加 \
    加字幕 加音乐 提高";
/// How a Chinese request begins, whatever it is about.
pub(crate) const HAN_ASKING: &str = "请 给 把 将 帮 麻烦";

// Languages of a voice, as BCP-47 tags; a longer name stands before one that it contains.
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

// Orders as a whole. Verbs in the past, "is" and "are", and persons besides "me" and "my" are
// absent on purpose: a sentence with one of them states something.

/// Verbs that begin an order.
pub(crate) const VERBS: &str = "\
    add remove delete drop mute unmute make set change turn use put trim cut show hide lose \
    clear raise lower increase decrease reduce speed slow shorten crop rename replace insert \
    play include give take get switch swap enable disable silence speak read say talk \
    narrate record dub convert render create generate produce redo undo revert keep do have \
    go place display pick choose select try start end begin be voice don't adjust bring";
/// Nouns of a video.
pub(crate) const NOUNS: &str = "\
    caption captions subtitle subtitles subs title titles heading headline titled text card \
    words film video clip movie voice voiceover voice-over narration narrator speech speaker \
    music bgm soundtrack song tune track tracks audio sound volume loudness background \
    backdrop gradient palette picture image photo photograph upload file script document \
    docx txt pace speed rate tempo aspect ratio format shape orientation length accent \
    timeline";
/// English words of an order that belong to no concept above.
pub(crate) const OTHER_WORDS: &str = "\
    normal quiet soft muted tone dusk ocean forest ember slate bigger smaller larger bold \
    longer short shorter mode style lang language gender s sec secs second seconds ms \
    milliseconds m min mins minute minutes percent percentage times half full maximum max \
    zero one two three four five six seven eight nine ten third fourth fifth sixth twice \
    level number changes edit edits step steps version previous original everything all both \
    other another new whole entire same current above a an the its that them my me in on of \
    by as and or than into onto over under behind only just also now again back out not true \
    should instead so too very much bit little lot slightly really please then before until \
    till throughout through between next reading says aside away along well there here";
/// Chinese words and particles of an order that belong to no concept above.
pub(crate) const OTHER_HAN: &str = "\
    帮我 帮忙 让 我要 我想 谢谢 多谢 你好 您好 好的 可以 能不能 能 可不可以 吗 吧 了 呢 啊 的 得 地 我想要 我 \
    你 您 使 使用 变 设置 调整 调到 调成 里 上 下 中 和 并 并且 以及 还有 然后 同时 再 再次 又 \
    也 还 就 都 只 要 一 个 条 段 张 首 些 点 一下 一点 一些 遍 次 步 处 号 第 这 那 它 下面 \
    以下 所有 全部 整个 最 更 很 太 稍微 有 无 不 带 零 二 三 四 五 六 七 八 九 十 两 半 一半 \
    百分之 最大 秒 分 毫 轨 道 最近 删除 删掉 关 打开 开 开启 加入 配 播放 插入 裁剪 剪掉 撤消 \
    撤回 回退 回到 取消 恢复 上一步 修改 改动 操作 重新 说 讲 录 来 背景音乐 歌曲 声 音 音轨 \
    轨道 时间轴 画面 屏幕 比例 画幅 图片 渐变 语言 色调 色 颜色 字体 字号 位置 内容 正文 正方形 \
    快 正常 大 小 响 轻 安静 高 低 男 女 长 短 海洋 暖和 温暖 柔和 温和 深";
/// Phrases that change nothing in a request.
pub(crate) const NEUTRAL: &str = "\
    i_uploaded i_just_uploaded i've_uploaded i_have_uploaded i_sent i_gave_you bit_more \
    little_more once_more more_slowly more_quickly one_more_time";
/// Beginnings of a request besides [`COURTESY`], a longer one before those that it begins with.
pub(crate) const LEADS: &str = "\
    i_want_you_to i_want_to i_want i_would_like_you_to i_would_like_to i_would_like \
    i'd_like_you_to i'd_like_to i'd_like i_need_you_to i_need_to i_need i'd_prefer i_prefer \
    we_want_to we_want we_need_to we_need we'd_like_to we'd_like can_you could_you would_you \
    will_you can_we could_we can_i could_i may_i let's let_us let_me let_it go_ahead_and \
    please";
/// Ends of a request.
pub(crate) const TRAILS: &str = "please thanks thank_you for_me if_possible if_you_can would_you";
/// Words around a request that ask for nothing.
pub(crate) const COURTESY: &str = "\
    hello hi hey okay ok now then also and just next thanks thank_you great good yes \
    actually maybe perfect so";
/// The verbs that a phrase may lend to the next one: "remove the title and the captions".
pub(crate) const SHARED_VERBS: &str = "add remove delete drop mute make set change turn use put \
    trim cut show hide";
pub(crate) const HAN_SHARED_VERBS: &str = "删除 删掉 删 去掉 移除 不要 静音 添加 加上 加 改成 改为 换成 \
    改 换 设 调 用 剪掉 裁剪 剪 裁 显示 隐藏 打开 关闭 关掉 关 开";

/// The concepts whose words an order may contain.
pub(crate) const CONCEPTS: [&str; 56] = [
    CAPTIONS, TITLES, TEXT_CARDS, MUSIC, VOICE, AUDIO, BACKGROUND, IMAGES, LENGTH, PACE, VIDEOS,
    VOICEOVERS, REMOVE, OFF, CHANGE, GIVE_TITLE, ADD_MUSIC, SHOW_IMAGE, CUT, MUTE, UNMUTE, LOUDER,
    QUIETER, UP, DOWN, PACE_VALUE, SLOW, FAST, SLOWER, FASTER, NOT_SPOKEN, TO, AT_END, AT_START,
    LASTING, STARTING, MALE, FEMALE, LANDSCAPE, PORTRAIT, SQUARE, MOODS, UPLOADED, SCRIPTS, FILES,
    NON_SCRIPT, POINTERS, MAKE, SPEAK, EDIT_VERBS, HAN_MAKE, HAN_SPEECH, HAN_SPEAK, HAN_EDITS,
    HAN_REWORK, HAN_ASKING,
];
