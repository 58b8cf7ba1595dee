//! The words that an order is made of. Verbs in the past, "is" and "are", and people beside "me"
//! and "my" are left out on purpose: with them a sentence tells something.

/// What an order begins with.
pub(super) const VERBS: &str = "\
    add remove delete drop mute unmute make set change turn use put trim cut show hide lose \
    clear raise lower increase decrease reduce speed slow shorten crop rename replace insert \
    play include give take get switch swap enable disable silence speak read say talk \
    narrate record dub convert render create generate produce redo undo revert keep do have \
    go place display pick choose select try start end begin be voice don't adjust bring";

/// What there is to do something with.
pub(super) const THINGS: &str = "\
    caption captions subtitle subtitles subs title titles heading headline titled text card \
    words film video clip movie voice voiceover voice-over narration narrator speech speaker \
    music bgm soundtrack song tune track tracks audio sound volume loudness background \
    backdrop gradient palette picture image photo photograph upload file script document \
    docx txt pace speed rate tempo aspect ratio format shape orientation length accent \
    timeline";

/// Settings, measures, and what joins them.
pub(super) const KNOWN: &str = "\
    male man man's masculine men female woman woman's feminine lady landscape horizontal \
    widescreen portrait vertical tiktok reel reels shorts square slow slowly slower fast \
    quick quickly faster quicker normal loud louder quiet quieter soft softer muted silent \
    tone warm warmer brown red orange fire cool cooler cold colder blue teal sea green \
    nature moss grey gray neutral plain dark darker purple indigo sunset evening dusk ocean \
    forest ember slate bigger smaller larger bold long longer short shorter mode style aloud \
    lang language gender narrated uploaded attached \
    s sec secs second seconds ms milliseconds m min mins minute minutes percent percentage x \
    times half full maximum max zero one two three four five six seven eight nine ten first \
    third fourth fifth sixth last twice level number \
    change changes edit edits step steps version previous original everything all both other \
    another new whole entire same current beginning above below following \
    a an the it its this that these them my me to at in on off of for with without by from \
    as and or than into onto over under behind only just also now again back out rid up down \
    no not none false true should instead so too very much bit little lot slightly really \
    please then after before until till throughout through between next saying called \
    reading says aside away along well there here";

/// Words that only make sense together. They change nothing of what is asked.
pub(super) const JOINED: &[&str] = &[
    "i uploaded",
    "i just uploaded",
    "i've uploaded",
    "i have uploaded",
    "i sent",
    "i gave you",
    "bit more",
    "little more",
    "once more",
    "more slowly",
    "more quickly",
    "one more time",
];

/// How a request begins besides [`COURTESY`], longer ones before those that they begin with.
pub(super) const LEADS: &[&str] = &[
    "i want you to",
    "i want to",
    "i want",
    "i would like you to",
    "i would like to",
    "i would like",
    "i'd like you to",
    "i'd like to",
    "i'd like",
    "i need you to",
    "i need to",
    "i need",
    "i'd prefer",
    "i prefer",
    "we want to",
    "we want",
    "we need to",
    "we need",
    "we'd like to",
    "we'd like",
    "can you",
    "could you",
    "would you",
    "will you",
    "can we",
    "could we",
    "can i",
    "could i",
    "may i",
    "let's",
    "let us",
    "let me",
    "let it",
    "go ahead and",
    "please",
];

/// What may stand around a request, and asks for nothing.
pub(super) const COURTESY: &[&str] = &[
    "hello",
    "hi",
    "hey",
    "okay",
    "ok",
    "now",
    "then",
    "also",
    "and",
    "just",
    "next",
    "thanks",
    "thank you",
    "great",
    "good",
    "yes",
    "actually",
    "maybe",
    "perfect",
    "so",
];

/// How a request ends.
pub(super) const TRAILS: &[&str] =
    &["please", "thanks", "thank you", "for me", "if possible", "if you can", "would you"];

/// Chinese words and particles; what is longer is looked for first.
pub(super) const HAN: &str = "\
    请 帮我 帮忙 帮 麻烦 谢谢 多谢 你好 您好 好的 可以 能不能 能 可不可以 吗 \
    吧 了 呢 啊 的 得 地 我要 我想要 我想 我 你 您 给 把 将 让 使 用 使用 \
    换 换成 换为 换个 改 改成 改为 变 变成 设 设为 设成 设置 调 调整 调到 \
    调成 成 为 到 至 从 在 后 前 里 上 下 中 和 并 并且 以及 还有 然后 \
    同时 再 再次 又 也 还 就 都 只 要 一 个 条 段 张 首 些 点 一下 一点 \
    一些 遍 次 步 处 号 第 这 那 它 下面 以下 所有 全部 整个 最 更 很 太 \
    稍微 有 没有 无 不 不要 不用 不带 不加 带 \
    零 二 三 四 五 六 七 八 九 十 两 半 一半 百分之 最大 秒 分 毫 倍 轨 \
    道 最后 开头 末尾 结尾 最近 \
    删 删除 删掉 去掉 去除 移除 拿掉 清除 关 关闭 关掉 打开 开 开启 显示 隐藏 \
    加 添 添加 加上 加入 配上 配 放 播放 插入 裁 裁剪 剪 剪掉 截 缩短 撤销 \
    撤消 撤回 回退 回到 取消 恢复 上一步 修改 改动 操作 重新 做 制作 生成 转成 \
    转换 创建 说 讲 读 念 朗读 录 持续 停留 来 \
    字幕 标题 音乐 背景音乐 背景乐 配乐 歌 歌曲 配音 旁白 人声 解说 声音 声 \
    音量 音 音轨 轨道 时间轴 视频 影片 短片 片子 画面 屏幕 比例 画幅 图 图片 \
    照片 相片 背景 渐变 上传 文件 文稿 脚本 文档 文案 稿子 文字 文本 语言 时长 \
    长度 色调 色 颜色 字体 字号 位置 字卡 内容 正文 口播 \
    竖屏 竖版 竖向 横屏 横版 横向 宽屏 方形 方屏 正方 正方形 抖音 语速 速度 \
    倍速 慢 快 快速 加快 放慢 正常 静音 大 小 大声 小声 响 轻 安静 高 低 \
    提高 降低 增大 减小 加大 男声 男性 男生 男音 男的 男人 男 女声 女性 女生 \
    女音 女的 女人 女 长 短 黄昏 海洋 森林 余烬 石板 暖 暖和 温暖 柔和 温和 \
    红 橙 棕 火 冷 蓝 海 绿 自然 灰 暗 深 紫 日落 傍晚";
