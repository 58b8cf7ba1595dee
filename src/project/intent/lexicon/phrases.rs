//! The phrases themselves, in lower case. The longest that fits is taken, so "how many" and
//! "how many credits" may both be here.

use std::sync::LazyLock;

use super::Part::{Ask, Filler, Film, Format, Lines, New, Order, Quality, Shape, Sound};
use super::{ALL, CREDITS, EXPORT, Orders, Part, STATE, UPLOAD};
use crate::wire::Aspect::{Landscape, Portrait, Square};

/// The orders that the phrases can be a part of, what they do in it, and the phrases, divided by
/// commas: as arrays they would take a line each.
const LISTS: &[(Orders, Part, &str)] = &[
    // The orders.
    (
        EXPORT,
        Order(EXPORT),
        "export, export it, exporting, download, download it, downloading, render, rendering, \
         send it, send it over, save it, do the export, do an export, run the export, \
         run an export, make the export, make an export, start the export, \
         trigger the export, send it back, 导出, 导出来, 下载, 下载下来, 渲染, 輸出, 输出, \
         导一下, 导出一下, 导出一份, 出片, 下载一下, 導出, 匯出, 下載, hit export, \
         press export, click export, tap export, hit download, get it exported, \
         get this exported, have it exported, export time, send it to me, send it to us, \
         send that to me, send this to me, give it to me, give me it, 点导出, 点击导出, \
         点下载, 导出吧",
    ),
    (
        CREDITS,
        Order(CREDITS),
        "credit, credits, credit balance, balance, account balance, 积分, 余额, 积分余额, \
         点数, 額度, 额度, 積分, 餘額, credit status, credits status, balance status, \
         account status, credit count, credit amount, credit info, credits info, quota, \
         credit usage, 剩余积分, 积分情况, 余额情况, 配额",
    ),
    (
        STATE,
        Order(STATE),
        "status, state, tracks, status update, progress, export status, export progress, \
         render status, render progress, where are we, where are we at, where do we stand, \
         what do we have so far, what's in the video, what's in my video, track list, \
         timeline summary, segments, 状态, 轨道, 进度, 导出状态, 导出进度, 进展, 什么情况, \
         到哪一步了, 狀態, 軌道, 進度, how far along, how far along are we, how far are we, \
         what have we got so far, current tracks, 都有什么, 到哪步了, 做到哪了, 进行到哪了",
    ),
    (EXPORT | STATE, Order(STATE), "timeline, draft, 时间线, 时间轴, 草稿, 時間軸"),
    (UPLOAD, Order(UPLOAD), "upload, uploading, import, attach, 导入, 上传, 上傳"),
    (
        EXPORT,
        Ask,
        "send, send me, send over, get, hand me, save, i want, i need, can i have, \
         could i have, may i have, can i get, could i get, let me have, where's, where is, \
         send us, give us, deliver, i'd like, i would like, i'll take, we want, we need, \
         fetch me, may we have, can we have, could we have, can you save, 发给我, 发送给我, \
         传给我, 发我, 发过来, 保存, 发一份给我, 给我发, 发我一份, 发给我一份, 传我, 发送, \
         发给我们, 存到本地, 發給我, 傳給我, 保存到本地, 存成, 保存为, 另存为, can we get, \
         could we get, i could use, pass me, drop me",
    ),
    (EXPORT | CREDITS | STATE, Ask, "give me, get me"),
    // What is exported or uploaded.
    (
        EXPORT | STATE | UPLOAD,
        Film,
        "video, film, movie, clip, file, 视频, 影片, 文件, 片子, 視頻, 檔案",
    ),
    (
        EXPORT,
        Film,
        "to my computer, to my phone, to my desktop, to my laptop, to my disk, to disk, \
         to a file, to my downloads, on my computer, result, final cut, final version, \
         final result, download link, link, whole thing, everything, output, 到本地, 到电脑, \
         到手机, 到我的电脑, 到我的手机, 最终成片, 成片文件, 成片, 成品, 作品, 最终版本, \
         最终版, 链接, 下载链接, 结果",
    ),
    (EXPORT | STATE, Film, "project, 项目, 工程"),
    (
        EXPORT | UPLOAD,
        Sound,
        "audio, sound, audio track, soundtrack, 纯音频, 音轨, 音频, 声音, 音頻",
    ),
    (
        UPLOAD,
        Filler,
        "here, file to, i, the following, following, videos, films, clips, files, image, \
         images, picture, pictures, photo, photos, logo, song, music, script, document, doc, \
         footage, material, media, own, here's, here is, here are, these, those, some, \
         another, from my computer, from my phone, 这些, 那些, 素材, 图片, 照片, 音乐, 脚本, \
         文档, 自己的, 张, 几张, 些, 一些, 圖片, 音樂, 这是, 本地, take, accept, use this, use these, \
         take this, file here, to add, to send, to send you, to upload, for you, for this, \
         with you, to share, attachment, attached, and also, my files, screenshot, \
         screenshots, screen recording, recording, recordings, pics, pic, logos, songs, \
         voice, voice over recording, background music, 传, 传一下, 发, 一张, 几段, 一首, 歌, \
         录音, 截图, 附件, 我的素材, 背景音乐, logo图",
    ),
    // What is said of the file to be made.
    (EXPORT | UPLOAD, Format("mp4"), "mp4, mpeg-4, mpeg4"),
    (EXPORT | UPLOAD, Format("m4a"), "m4a, aac"),
    (EXPORT | UPLOAD, Format("wav"), "wav, wave file"),
    (EXPORT | UPLOAD, Format("mp3"), "mp3"),
    (EXPORT | UPLOAD, Format("mov"), "mov, quicktime"),
    (EXPORT | UPLOAD, Format("webm"), "webm"),
    (EXPORT | UPLOAD, Format("mkv"), "mkv"),
    (EXPORT | UPLOAD, Format("avi"), "avi"),
    (EXPORT | UPLOAD, Format("gif"), "gif"),
    (
        EXPORT,
        Quality("high"),
        "high quality, best quality, highest quality, top quality, full quality, max quality, \
         maximum quality, good quality, high-quality, in high, hd, high definition, \
         high resolution, high res, 高清, 高质量, 最高质量, 最高画质, 高画质, 最好的质量, \
         超清",
    ),
    (
        EXPORT,
        Quality("medium"),
        "medium quality, normal quality, standard quality, in medium, 中等质量, 中等画质",
    ),
    (
        EXPORT,
        Quality("low"),
        "low quality, lowest quality, low-quality, in low, low resolution, low res, \
         small file, smaller file, smallest file, small size, 低质量, 低画质, 标清, 小文件, \
         小一点的文件",
    ),
    (
        EXPORT,
        Shape(Landscape),
        "landscape, horizontal, widescreen, wide screen, 16:9, 16x9, 横屏, 横版, 横向, 宽屏, \
         橫屏",
    ),
    (
        EXPORT,
        Shape(Portrait),
        "portrait, vertical, 9:16, 9x16, for tiktok, for reels, for instagram reels, \
         for shorts, for youtube shorts, 竖屏, 竖版, 竖向, 豎屏, 直式, for instagram stories, \
         for stories, upright, phone format, 抖音版, 手机版",
    ),
    (EXPORT, Shape(Square), "square, 1:1, 1x1, 方形, 正方形, 方屏"),
    (EXPORT, Lines(1080), "full hd, fullhd, fhd, 1080, 全高清"),
    (EXPORT, Lines(720), "720"),
    (EXPORT, Lines(1440), "2k"),
    (EXPORT, Lines(2160), "4k, uhd, ultra hd"),
    // What is asked of credits and of the state.
    (
        CREDITS | STATE,
        Filler,
        "show, show me, check, look up, look at, tell me, let me see, let me know, list, \
         list all, view, display, print, which, does, is there, any, there, overview of, \
         give me an overview of, how does, what, what's, whats, what is, what are, how's, \
         how is, how many, how much, how many do i have, are there, there are, do i have, \
         do i still have, have i got, do we have, i'd like to see, i want to see, \
         i want to know, i'd like to know, can i see, could i see, is, are, current, \
         currently, on, got, see, 查看, 查, 查一下, 查询, 查下, 看, 看看, 看一下, 看下, 显示, \
         列出, 告诉我, 还有, 是, 多少, 有多少, 什么, 是什么, 怎么样, 如何, 当前, 目前, 所有, \
         全部, 上, 里, 上有什么, 有哪些, 哪些, 查詢, 顯示, 展示, look, look like, looks like, \
         does it have, does the video have, does the project have, does it look, are on, \
         is on, exactly is, give me a list of, a list of, give me an update on, an update on, \
         update on, update, details, info, how are, what about, how about the, remind me, \
         remind me of, can you show me, could you show me, i wonder, 看下现在, 都有, 现在有, \
         多少了, 怎样, 怎么样了, 如何了, 哪几个",
    ),
    (
        CREDITS,
        Filler,
        "remain, do i have any, are there any, count, amount, amount of, number of, total, \
         on my account, in my account, to spend, to use, have i, running out of, \
         am i running out of, am i low on, low on, have i run out of, can i use, \
         do i still have any, left, remaining, available, enough, am i out of, out of, \
         account, have left, is left, are left, still, 数量, 总共, 一共, 够不够, 够用, \
         有没有, 用完, 账号, 分, 还够不够, 个数, 剩, 还剩, 剩余, 剩下, 够, 还够, 够吗, 账户, \
         帐户, 可用, 几, 帳戶, 還剩, 還有, to my name, on me, per account, for me to use, \
         left over, leftover, over, have we, do we still have, does my account have, have",
    ),
    (
        STATE,
        Filler,
        "all, full, so far, summary, overview, going, 条, 几条, 轨, 到哪, 到哪了, 到哪里, \
         到哪里了, 哪一步, 什么样, 是什么样",
    ),
    // How an export is said.
    (
        EXPORT,
        Filler,
        "with, into, at, format, resolution, aspect ratio, ratio, version, only, only the, size, \
         quality, final, finished, finished version, exported, rendered, complete, whole, \
         make the, make it, produce the, generate the, this time, mode, orientation, for download, ready for download, \
         格式, 版, 版本, 比例, 尺寸, 分辨率, 画质, 质量, 成, 为, 为一个, 以, 用, 只, 仅, \
         只要, 最终, 最后, 完整, 这次, file format, file type, type, h264, h.264, \
         for instagram, for facebook, for youtube, for my website, for the web, for linkedin, \
         for wechat, for social media, for me to download, fully, again in, once again, \
         the same, from here, out, 文件格式, 类型, 编码, 再次, 这一版, 这版, 最新, 最新的, \
         版的, 发布用, 纯, 整个, 做成",
    ),
    (CREDITS | STATE | UPLOAD, Filler, "i have, 几个, i've got, 有, 我有"),
    (EXPORT | UPLOAD, Filler, "version of, it, this, that, this one, them, up, also, to, as"),
    (ALL, New, "a, an, 一个, 个, 一段, new, 一份, 一個"),
    // Courtesy and grammar.
    (
        ALL,
        Filler,
        "when you can, when you're ready, when ready, when it's ready, when it's done, \
         when you have a moment, as soon as possible, as soon as you can, at once, today, \
         first, for now, if you can, if possible, one more time, already, by now, please, \
         pls, plz, kindly, just, simply, now, right now, right away, immediately, quickly, \
         asap, again, once more, then, and, so, in, of, the, my, our, your, me, to me, \
         for me, for us, can you, could you, would you, will you, can we, could we, shall we, \
         can i, could i, may i, should we, would you mind, do you mind, i want to, \
         i want you to, i wanna, i'd like to, i'd like you to, i would like to, \
         i would like you to, i need to, i need you to, we want to, we'd like to, we need to, \
         let me, let's, lets, let us, how about, how about we, how about i, why don't we, \
         why don't you, go ahead, go ahead and, time to, it's time to, it is time to, \
         ready to, i'm ready to, we're ready to, help me, help me to, try to, start, begin, \
         ok, okay, alright, all right, yes, yeah, yep, sure, well, hey, hi, hello, great, \
         perfect, nice, awesome, excellent, cool, good, wonderful, we're good to go, \
         good to go, i think we're done, i think it's done, i think it's ready, \
         i think that's it, it's ready, i'm ready, we're ready, that works, works for me, \
         that will do, that'll do, no more changes, nothing else, all good, all done, all set, fine, \
         great job, nice work, good work, beautiful, amazing, fantastic, lovely, very good, \
         very nice, super, yup, yes please, of course, confirmed, confirm, approved, done, \
         everything looks good, everything looks great, the video looks good, \
         the video looks great, the video is great, looking good, i'm satisfied, i'm happy, \
         this is great, this is perfect, this is good, that is great, that is perfect, \
         it is done, it is ready, sounds good, i'm good, we're happy with it, we're happy, \
         looks good, looks great, looks perfect, looks nice, it looks good, it looks great, \
         this looks good, this looks great, that looks good, that looks great, that's it, \
         that's all, that's great, that's perfect, it's perfect, it's great, it's good, \
         it's done, i'm done, we're done, i'm happy with it, i'm happy with this, \
         i'm happy with that, i'm happy with the video, happy with it, i like it, i love it, \
         love it, like it, good job, well done, thanks, thank you, thx, many thanks, \
         thanks a lot, thank you very much, finally, nemo, nemovideo, 请, 帮我, 帮, 帮忙, \
         麻烦, 麻烦你, 一下, 下, 吧, 吗, 呢, 了, 啊, 呀, 哦, 啦, 嘛, 嗯, 现在, 我, 我的, 的, \
         把, 将, 给我, 给, 可以, 可以了, 能, 能不能, 能否, 可否, 可不可以, 我想, 我要, \
         我需要, 我想要, 我们, 想, 要, 需要, 好, 好的, 好了, 很好, 不错, 非常好, 太好了, \
         没问题, 行, 就这样, 完成了, 做好了, 满意, 我很满意, 很满意, 确认, 确定, 完成, 搞定, \
         开始, 感谢, 辛苦了, 看起来不错, 看着不错, 挺好, 挺好的, 太棒了, 棒, 完美, 就它了, \
         定稿了, 没有问题, 不用改了, 都好了, 好吗, 行吗, 可以吗, 好不好, 行不行, 麻烦您, \
         请您, 尽快, 赶紧, 快, 快点, 份, 一切都好, 就可以, 谢谢, 多谢, 你, 您, 再, 直接, \
         马上, 立即, 立刻, 这个, 那个, 这, 该, 这段, 那, 来, 出来, 先, 就, 請, 幫我, 將, 嗎, \
         現在, 給我, 謝謝, 这张, 这份, thing, one, really, very, absolutely, totally, \
         actually, real quick, quick, too, as well, soon, looks, looking, sounds, seems, \
         it looks, it's, that's, this is, it is, that is, all looks, everything is, is fine, \
         is good, is great, is ok, is okay, is enough, is perfect, will do, works, i think, \
         i guess, i believe, i'd love to, i would love to, we'd love to, would love to, \
         would like to, i'm going to, let me just, can you please, could you please, \
         can you just, could you just, please can you, do me a favor and, gorgeous, \
         brilliant, superb, incredible, terrific, ready, excellent work, nailed it, \
         correct, good enough, cheers, much appreciated, thank u, ty, 请问, 做好, \
         做完, 弄好, 弄好的, 已经, 就行, 就好, 就行了, 就好了, 即可, 行了, 好极了, 挺不错, \
         很棒, 真不错, 真好, 满意了, 非常满意, 很喜欢, 我很喜欢, 喜欢, 劳驾, 拜托, 拜托了, \
         您好, 你好, 感谢您, 稍后, 吧谢谢, 可以的, 对, 是的, 嗯嗯, 那就, 那么, 和, 以及, \
         我们现在",
    ),
];

/// Each phrase with what it can be a part of.
pub(super) static PHRASES: LazyLock<Vec<(Orders, Part, &str)>> = LazyLock::new(|| {
    let each = LISTS.iter().flat_map(|(orders, part, phrases)| {
        phrases.split(", ").map(move |phrase| (*orders, *part, phrase))
    });
    each.collect()
});
