//! The phrases themselves, spelled as `spelling` spells. The longest that fits is taken, so "how many" and
//! "how many credits" may both be here.

use std::sync::LazyLock;

use super::Part::{
    Ask, Filler, Film, Finished, Format, Lines, New, Order, Project, Quality, Shape, Sound, Wish,
};
use super::{ALL, CREDITS, EXPORT, NONE, Orders, Part, STATE, UPLOAD};
use crate::protocol::Aspect::{Landscape, Portrait, Square};

/// The orders that the phrases can be a part of, what they do in it, and the phrases, divided by
/// commas: as arrays they would take a line each.
const LISTS: &[(Orders, Part, &str)] = &[
    // The orders.
    (
        EXPORT,
        Order(EXPORT),
        "export, export it, exporting, download, download it, downloading, render, rendering, \
         send it, send it over, save it, do the export, do an export, run the export, \
         run an export, make the export, make an export, start the export, trigger the export, \
         send it back, 导出, 导出来, 下载, 下载下来, 渲染, 输出, 导一下, 导出一下, 导出一份, 出片, 下载一下, 汇出, hit export, \
         press export, click export, tap export, hit download, get it exported, \
         get this exported, have it exported, export time, send it to me, send it to us, \
         send that to me, send this to me, give it to me, give me it, 点导出, 点击导出, 点下载, 导出吧, \
         exported please, output it, output this, extract, wrap up and export, download this, \
         export this, export now, export all, final export, do a final export, do a render, \
         do the render, render it out, render out, render it, 导出视频, 生成成片, 输出视频, 输出成片, 导出成片, \
         另存, 导下来, 下下来, 下到, 弄下来, 交片, 输出一下, 渲染一下, 渲染出来, 渲染输出, 输出来, video exported, \
         file exported, export to, download link, the download link, link to download, 存到我电脑, \
         存到我电脑上, 存到电脑, 存到电脑上, 存到手机, 存到我手机, 存到桌面, 存下来, 保存下来, 下载链接, version exported, 出成片, 出个成片, \
         can i get a download link, a download link, ship it, 可以导出了吗, 能导出了吗, 现在可以导出了吗",
    ),
    (
        CREDITS,
        Order(CREDITS),
        "credit, credits, credit balance, balance, account balance, 积分, 余额, 积分余额, 点数, 额度, \
         credit status, credits status, balance status, account status, credit count, \
         credit amount, credit info, credits info, quota, credit usage, 剩余积分, 积分情况, 余额情况, 配额, \
         creds, my creds",
    ),
    (
        STATE,
        Order(STATE),
        "status, state, tracks, status update, progress, export status, export progress, \
         render status, render progress, where are we, where are we at, where do we stand, \
         what do we have so far, what is in the video, what is in my video, track list, \
         timeline summary, segments, 状态, 轨道, 进度, 导出状态, 导出进度, 进展, 什么情况, 到哪一步了, how far along, \
         how far along are we, how far are we, what have we got so far, current tracks, 都有什么, \
         到哪步了, 做到哪了, 进行到哪了, track, each track, every track, audio tracks, video tracks, \
         music track, text tracks, elements, layers, shots, scenes, overview, summary, recap, \
         layout, structure, arrangement, contents, breakdown, rundown, project info, \
         project details, project summary, project overview, project state, status report, \
         report, status check, where things stand, where things are, how things stand, \
         how things are going, how it is going, how is it going, how far, what is done, \
         what is done so far, what we have so far, what we have, what have we, \
         what you have so far, what you have, state of play, track overview, what do we have, \
         what have we got, current cut, 片段, 镜头, 图层, 元素, 概况, 概览, 汇总, 情况, 现状, 布局, 结构, 轨道列表, \
         轨道情况, 音轨情况, 做了什么, 做了哪些, 做得怎么样了, 做到哪一步, 做到什么程度, 进行得怎么样, 完成到哪, 完成了多少, 清单, 列表, 音频轨道, \
         视频轨道, 时间轴情况, 项目概况, 项目状态, 都有啥, 有啥, status of, progress of, overview of, summary of, \
         recap of, breakdown of, contents of, structure of, layout of, rundown of, state of, \
         a status, a status update, a summary, an overview, a recap, a breakdown, a rundown, \
         a report, a status report, an update, a progress update, track 1, track 2, track 3, \
         track 4, 第一轨, 第二轨, 第三轨, 第一条轨道, 第二条轨道, track one, track two, track three, 有哪些内容, \
         有什么内容, 哪些东西, 什么东西, 有什么东西, 有哪些东西, everything on the timeline, \
         everything in the timeline, everything on it, current status, current state, \
         where are we with the project, where are we with this, where are we with it, \
         where are we now, how are we doing, 进度怎么样, 项目进展, 导出了吗, 导出好了吗, 导出完成了吗, 导出完了吗, 渲染好了吗, \
         渲染完了吗, 渲染完成了吗",
    ),
    (EXPORT | STATE, Order(STATE), "timeline, draft, 时间线, 时间轴, 草稿"),
    (STATE | UPLOAD, Order(STATE), "clips, 素材, media clips"),
    (
        UPLOAD,
        Order(UPLOAD),
        "upload, uploading, import, attach, 导入, 上传, send you, give you, share with you, \
         hand you, attachment, attachments, add attachment, add an attachment, \
         add attachments, add a file, add files, add a file from, add my file, \
         add my own file, add my own files, upload a file, 添加附件, 加个附件, 加附件, 附件, 添加文件, 加个文件, \
         加文件, 发给你, 传给你, 发你, 传你, 给你发, 给你传, 附上, 上传一下, 上载, 传上去, 传上来, 发上来, 发上去, 提交文件, 导进来, 导进去, \
         添加素材, to upload, upload dialog, 要传, 想传, 我要传, 我想传, 我来传, send over my, send over a, 附加, \
         附加档案, 附加文件, 附加一个文件, 传图片, 传视频, 传照片, 传文件, 传个文件, 传一张图, 传音乐, 传素材, 传一段视频, 传图, add file, \
         to my uploads, 传一个, 传一个文件, 传个",
    ),
    (
        EXPORT,
        Ask,
        "send, send me, send over, get, hand me, save, can i have, could i have, may i have, \
         can i get, could i get, let me have, where is, send us, give us, deliver, \
         i will take, fetch me, may we have, can we have, could we have, can you save, 发给我, \
         发送给我, 传给我, 发我, 发过来, 保存, 发一份给我, 给我发, 发我一份, 发给我一份, 传我, 发送, 发给我们, 存到本地, 保存到本地, 存成, 保存为, \
         另存为, can we get, could we get, pass me, drop me, hand over, hand me over, may i get, \
         send me back, shoot me, forward me, let us have, 拿, 交给我, 交付, 拿到, 传过来, 传给我们, 发到, 发一下, \
         发一份, 发来, 弄一份, save as, provide, provide me, provide us, provide me with, receive, \
         to receive, to have, send along, pass, pass along, hand, bring me, 提供, 提供一下, 领取, \
         i would like to have, i want to have, i need to have, we would like to have",
    ),
    (EXPORT | CREDITS | STATE, Ask, "give me, get me"),
    (ALL, Ask, "给我, 我要拿"),
    // What is exported or uploaded.
    (
        EXPORT | STATE | UPLOAD,
        Film,
        "video, film, movie, clip, file, 视频, 影片, 文件, 片子, 档案, videos file, 视频文件, 影片档, 档, 短片, \
         视频片段, video file, movie file, clip file",
    ),
    (
        EXPORT,
        Film,
        "to my computer, to my phone, to my desktop, to my laptop, to my disk, to disk, \
         to a file, to my downloads, result, link, whole thing, output, 到本地, 到电脑, 到手机, 到我的电脑, \
         到我的手机, 作品, 链接, 结果, to my drive, to my tablet, to my mac, to my pc, to my machine, \
         to my hard drive, to my gallery, to my device, on my disk, to my email, 到桌面, 到硬盘, \
         到相册, 到网盘, 到我的桌面, 到平板, 桌面, 电脑上, 手机上, 到电脑上, 到手机上, 到桌面上",
    ),
    (
        EXPORT | UPLOAD,
        Sound,
        "audio, sound, audio track, soundtrack, 纯音频, 音轨, 音频, 声音, 音讯, 声音文件, 音频文件, 配音, \
         voice track, audio file, narration, voiceover audio, audio version, 音频版, 录音文件",
    ),
    (
        UPLOAD,
        Filler,
        "file to, the following, following, videos, films, files, image, images, picture, \
         pictures, photo, photos, logo, song, music, script, document, doc, footage, material, \
         media, own, here is, here are, these, those, some, another, from my computer, \
         from my phone, 这些, 那些, 图片, 照片, 音乐, 脚本, 文档, 自己的, 张, 几张, 些, 一些, 音樂, 这是, 本地, take, \
         accept, use this, use these, take this, file here, to add, to send, to send you, \
         for you, for this, with you, to share, attached, and also, my files, screenshot, \
         screenshots, screen recording, recording, recordings, logos, songs, voice, \
         voice over recording, background music, 传, 传一下, 发, 一张, 几段, 一首, 歌, 录音, 截图, 我的素材, 背景音乐, \
         logo图, two, three, four, several, couple, couple of, few, a few, few of, both, \
         following files, these files, those files, this file, that file, that one, jingle, \
         headshot, brand logo, company logo, our logo, my logo, piece, piece of, bunch of, \
         pdf, txt, docx, photo album, camera roll, gallery, album, library, from camera roll, \
         from my camera roll, from my gallery, from my laptop, from my desktop, from my mac, \
         from my pc, from my tablet, from my drive, from my hard drive, from my album, \
         from my device, from disk, from my disk, from, i filmed, i recorded, i shot, i made, \
         i took, i took yesterday, i drew, i wrote, we filmed, we recorded, we shot, \
         from yesterday, from last week, voiceover recording, voice recording, voice memo, \
         background track, track i made, intro clip, product photo, product photos, \
         product picture, product image, product shot, product shots, product video, \
         raw footage, b-roll, b roll, drone footage, open, dialog, dialogue, window, picker, \
         button, file picker, drop, drag, drop in, into the project, to the project, \
         to this project, into this project, need to, is attached, are attached, see attached, \
         find attached, please find attached, path, path is, located at, 在这, 在这里, 在这儿, 这里, 这儿, \
         从, 从手机, 从电脑, 从相册, 从本地, 从我的手机, 从我的电脑, 从硬盘, 手机, 手机里, 手机里的, 电脑里, 电脑里的, 相册, 相册里, 相册里的, \
         我拍的, 我拍了个, 我拍了, 我录的, 我录了, 我录了个, 我录了一段, 我拍了一段, 我做的, 我写的, 我画的, 我自己, 自己, 自己拍的, 自己录的, 上来, \
         上去, 图, 几张图, 张图, 几张照片, 几个文件, 一首歌, 一段音乐, 两张, 两个, 两段, 三张, 三个, 两首, 产品图, 产品照片, 公司logo, 标志, \
         品牌logo, 原片, 拍摄素材, 视频素材, 图片素材, 文案, 文稿, 稿子, 音乐文件, 图片文件, 脚本文件, 让我, 多个, 多张, 附带, 首, 段, 窗口, \
         打开, 框, 对话框, 位置, 路径, 路径是, 地址, 地址是, 文件是, 图片是, 视频是, have a, dialogue box, photos folder, \
         more, one more, additional, extra, other, voiceover file, audio clip, video clip, \
         image file, sound file, music file, document file, next, 商标, 商标图, 图档, 音档, 标志图, 视频档, \
         第二个, 另一个, 另一张, 再一个, 再传, holiday, vacation, wedding, photograph, photographs, \
         snapshot, selfie",
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
         high resolution, high res, 高清, 高质量, 最高质量, 最高画质, 高画质, 最好的质量, 超清, highest resolution, \
         maximum resolution, best resolution, highest possible quality, best possible quality, \
         best, 最高清, 最清楚, 最清晰的版本, 最高分辨率, 蓝光, 原画质",
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
         small file, smaller file, smallest file, small size, 低质量, 低画质, 标清, 小文件, 小一点的文件, \
         文件小一点, 小一点, 文件小点, 体积小一点, smaller, small, tiny file, compressed file, 压缩版, 流畅, 省流量",
    ),
    (
        EXPORT,
        Shape(Landscape),
        "landscape, horizontal, widescreen, wide screen, 16:9, 16x9, 横屏, 横版, 横向, 宽屏, \
         for youtube landscape, 横着, 横着的, 横屏版, 横版的, for tv screen",
    ),
    (
        EXPORT,
        Shape(Portrait),
        "portrait, vertical, 9:16, 9x16, for tiktok, for reels, for instagram reels, \
         for shorts, for youtube shorts, 竖屏, 竖版, 竖向, 直式, for instagram stories, for stories, \
         upright, phone format, 抖音版, 手机版, phone size, for phone, for my phone screen, 手机竖屏, \
         竖着, 竖着的, 竖屏版, 竖版的, for douyin, 适合抖音, 适合手机",
    ),
    (EXPORT, Shape(Square), "square, 1:1, 1x1, 方形, 正方形, 方屏, 方的, 方形版"),
    (EXPORT, Lines(1080), "full hd, fullhd, fhd, 1080, 全高清"),
    (EXPORT, Lines(720), "720"),
    (EXPORT, Lines(1440), "2k"),
    (EXPORT, Lines(2160), "4k, uhd, ultra hd"),
    // What is asked of credits and of the state.
    (
        CREDITS | STATE,
        Filler,
        "show, show me, check, look up, look at, tell me, let me see, let me know, list, \
         list all, view, display, print, which, does, is there, any, there, \
         give me an overview of, how does, what, what is, what are, how is, how many, \
         how much, how many do i have, are there, there are, do i have, do i still have, \
         have i got, do we have, i would like to see, i want to see, i want to know, \
         i would like to know, can i see, could i see, is, are, current, currently, on, got, \
         see, 查看, 查, 查一下, 查询, 查下, 看, 看看, 看一下, 看下, 显示, 列出, 告诉我, 还有, 是, 多少, 有多少, 什么, 是什么, 怎么样, \
         如何, 当前, 目前, 所有, 全部, 上, 里, 上有什么, 有哪些, 哪些, 展示, look, look like, looks like, \
         does it have, does the video have, does the project have, does it look, are on, \
         is on, exactly is, give me a list of, a list of, give me an update on, an update on, \
         update on, update, details, info, how are, what about, how about the, remind me, \
         remind me of, can you show me, could you show me, i wonder, 看下现在, 都有, 多少了, 怎样, 怎么样了, \
         如何了, 哪几个, inform me, inform me about, inform me of, wondering, just wondering, \
         i was wondering, i am wondering, i am curious, curious, i forgot, i forget, \
         i can not remember, remind me how many, quick question, question, by the way, btw, \
         before we go on, before i continue, before we continue, out of curiosity, get my, \
         get a list of, can i get a list of, can i get my, pull up, bring up, at the moment, \
         to see, to know, to check, want to see, want to know, want to check, need to know, \
         need to see, need to check, let me check, report on, do you know, do we know, \
         any idea, anything, exact, exactly, tell us, show us, do, did, was, were, would, \
         know, please show, fill me in on, double check, check on, have a look at, \
         take a look at, take a look, have a look, let us see, let us check, 想知道, 我想知道, 想问, \
         想问一下, 问一下, 问下, 想看, 想看看, 我想看, 我想看看, 想看一下, 我看看, 我看一下, 让我看, 让我看看, 看一看, 给我看, 给我看看, 给我看一下, \
         瞧瞧, 瞅瞅, 查一查, 查看一下, 查询一下, 确认一下, 核对一下, 了解一下, 麻烦告诉我, 请告诉我, 跟我说一下, 跟我说, 说下, 刚才, 之后, 后, \
         到底, 顺便, 顺便问一下, 对了, 具体, 显示一下, 展示一下, 知道, 忘了, 我忘了, 不记得, 不记得了, 我不记得, 记不清, 记不清了, 总共, 一共",
    ),
    (
        CREDITS,
        Filler,
        "remain, do i have any, are there any, count, amount, amount of, number of, total, \
         on my account, in my account, to spend, to use, have i, running out of, \
         am i running out of, am i low on, low on, have i run out of, can i use, \
         do i still have any, left, remaining, enough, am i out of, out of, account, \
         have left, is left, are left, still, 数量, 够不够, 够用, 有没有, 用完, 账号, 分, 还够不够, 个数, 剩, 还剩, \
         剩余, 剩下, 够, 还够, 够吗, 账户, 帐户, 可用, 几, to my name, on me, per account, for me to use, \
         left over, leftover, have we, do we still have, does my account have, unused, \
         not used, at all, yet, run out, run out of, have we run out of, are we out of, \
         are we running out of, running low, running low on, am i running low, \
         am i running low on, anything left of, available to me, spent, i spent, so far spent, \
         used, used up, my account's, in the account, on the account, in our account, \
         on our account, have i got left, do i have left, do we have left, got left, \
         we have left, i have left, how much more, much, many, remaining on, 没用, 没用完, 没用的, 用掉, \
         用了, 花了, 花掉, 剩余的, 剩下的, 余下, 余下的, 账户里, 账户上, 账号里, 账号上, 帐户里, 我账户, 里还有, 快没了, 没了, 不够, 不够了, \
         快用完, 快用完了, 用光, 充足, 充不充足, 多不多, 是否, 是否还, 是否足够, 足够, 剩多少, 总, how low, how low is, \
         how high, after that, after that last one, after this, after the last one, \
         after the export, after the render, last one, low, getting low, 上次之后, 可以用, 能用, 可以使用, \
         能使用, 可用的, 用的",
    ),
    (
        STATE,
        Filler,
        "all, full, so far, going, 条, 几条, 轨, 到哪, 到哪了, 到哪里, 到哪里了, 哪一步, 什么样, 是什么样, each, every, \
         inside, together, arranged, laid out, set up, list out, run down, quick rundown, \
         currently in, in it, on it, on each, altogether, in total, at present, as of now, \
         at this point, up to now, until now, long, far, we are, project's, video's, \
         timeline's, i lost track, lost track, one by one, contain, contains, consist of, \
         consists of, include, includes, made of, comprise, in there, going on, happening, \
         summarize, summarise, give me a summary of, give me a recap of, give me a rundown of, \
         give me a quick overview of, content of, 里面, 上面, 都, 啥, 每个, 每条, 每一条, 列一下, 列, 罗列, 罗列一下, \
         给我列, 到目前为止, 目前为止, 截至目前, 截止目前, 到现在, 到现在为止, 当下, 此刻, 眼下, 总结一下, 汇总一下, 概括一下, 说一下, 汇报一下, \
         汇报, 告诉我一下, 做了, 什么样子, 是什么情况, 是怎样的, 怎么个样子, 成什么样了, 成什么样, 样子, 长什么样, 多长, 在, 放了, 放了什么, 放着, \
         包含, 包括, 第一条, 第二条, 第三条, 多少个, 多少条, 哪几条, 详细, 整体, 大概, 时长, everything, \
         describe the current, describe the, 东西, 是什么样子, in the video, in this video, \
         in my video, in our video, in the film",
    ),
    // How an export is said.
    (
        EXPORT,
        Filler,
        "with, into, at, format, resolution, aspect ratio, ratio, version, only, only the, \
         size, quality, final, finished, exported, rendered, complete, whole, make the, \
         make it, produce the, generate the, this time, mode, orientation, for download, \
         ready for download, 格式, 版, 版本, 比例, 尺寸, 分辨率, 画质, 质量, 成, 为, 为一个, 以, 用, 只, 仅, 只要, 最终, \
         最后, 完整, 这次, file format, file type, type, h264, h.264, for instagram, for facebook, \
         for youtube, for my website, for the web, for linkedin, for wechat, for social media, \
         for me to download, fully, again in, once again, the same, from here, out, 文件格式, 类型, \
         编码, 再次, 这一版, 这版, 最新, 最新的, 版的, 发布用, 纯, 整个, 做成, as it is, as is, the way it is, \
         just as it is, current version, the current version, this version, latest, \
         latest version, latest cut, newest, completed, you have got, possible, separately, \
         by itself, alone, on its own, single file, as a single file, as a file, clean, \
         original, original quality, format please, extract the, for my client, \
         for the client, for my boss, for my team, for upload, for whatsapp, for twitter, \
         for x, for tiktok upload, for my phone, for mobile, for pc, for tv, for email, \
         compressed, 按现在这样, 就用当前版本, 当前版本, 用当前版本, 现在这样, 按现在的, 按当前, 现在的版本, 目前的版本, 单独, 单独的, 分开, \
         就用, 按, 这样, 就要, 并, 并且, 然后, 原样, 保持原样, 原画, 压缩, 小一些, 一份给我, 文件就行, 格式的, 的格式, 视频格式, 音频格式, 高, \
         最高, 清晰, 清晰一点, 最清晰, 最清晰的, 做好的, 完成的, 弄好的片子, 这条, 此, 本, 最后版本, 最后的, you have, over, \
         editing, finished editing, done editing, i am done editing, i finished editing, \
         we finished editing, single, as a single, with sound, with audio, and audio, \
         and sound, with the sound, with the audio, 和音频, 和声音, 带声音, 带音频, 有声音, 有声, \
         for the video, for this video, for my video, for the film, for the project",
    ),
    (CREDITS | STATE | UPLOAD, Filler, "i have, 我有, here, 几个, 有, 个, i have got, have got"),
    (
        EXPORT | UPLOAD,
        Filler,
        "version of, it, this, that, this one, them, up, also, to, as, on my laptop, \
         on my phone, on my computer, on my desktop, on my mac, on my pc",
    ),
    (ALL, New, "a, an, 一个, 一段, new, 一份"),
    // Courtesy and grammar.
    (
        ALL,
        Filler,
        "when you can, when you are ready, when ready, when it is ready, when it is done, \
         when you have a moment, as soon as possible, as soon as you can, at once, today, \
         first, for now, if you can, if possible, one more time, already, by now, please, \
         kindly, just, simply, now, right now, right away, immediately, quickly, asap, again, \
         once more, then, and, so, in, of, the, my, our, your, me, to me, for me, for us, \
         can you, could you, would you, will you, can we, could we, shall we, can i, could i, \
         may i, should we, would you mind, do you mind, i want to, i want you to, \
         i would like to, i would like you to, i need to, i need you to, we want to, \
         we would like to, we need to, let me, let us, how about, how about we, how about i, \
         why don't we, why don't you, go ahead, go ahead and, time to, it is time to, \
         ready to, i am ready to, we are ready to, help me, help me to, try to, start, begin, \
         okay, alright, all right, yes, yeah, yep, sure, well, hey, hi, hello, great, perfect, \
         nice, awesome, excellent, cool, good, wonderful, we are good to go, good to go, \
         i think we are done, i think it is done, i think it is ready, i think that is it, \
         it is ready, i am ready, we are ready, that works, works for me, that will do, \
         no more changes, nothing else, all good, all done, all set, fine, great job, \
         nice work, good work, beautiful, amazing, fantastic, lovely, very good, very nice, \
         super, yup, yes please, of course, confirmed, confirm, approved, done, \
         everything looks good, everything looks great, the video looks good, \
         the video looks great, the video is great, looking good, i am satisfied, i am happy, \
         this is great, this is perfect, this is good, that is great, that is perfect, \
         it is done, sounds good, i am good, we are happy with it, we are happy, looks good, \
         looks great, looks perfect, looks nice, it looks good, it looks great, \
         this looks good, this looks great, that looks good, that looks great, that is it, \
         that is all, it is perfect, it is great, it is good, i am done, we are done, \
         i am happy with it, i am happy with this, i am happy with that, \
         i am happy with the video, happy with it, i like it, i love it, love it, like it, \
         good job, well done, thanks, thank you, many thanks, thanks a lot, \
         thank you very much, finally, nemo, nemovideo, 请, 帮我, 帮, 帮忙, 麻烦, 麻烦你, 一下, 下, 吧, 吗, 呢, \
         了, 啊, 呀, 哦, 啦, 嘛, 嗯, 现在, 我, 我的, 的, 把, 将, 给, 可以, 可以了, 能, 能不能, 能否, 可否, 可不可以, 我想, 我们, 想, \
         要, 需要, 好, 好的, 好了, 很好, 不错, 非常好, 太好了, 没问题, 行, 就这样, 完成了, 做好了, 满意, 我很满意, 很满意, 确认, 确定, 完成, \
         搞定, 开始, 感谢, 辛苦了, 看起来不错, 看着不错, 挺好, 挺好的, 太棒了, 棒, 完美, 就它了, 定稿了, 没有问题, 不用改了, 都好了, 好吗, 行吗, \
         可以吗, 好不好, 行不行, 麻烦您, 请您, 尽快, 赶紧, 快, 快点, 份, 一切都好, 就可以, 谢谢, 多谢, 你, 您, 再, 直接, 马上, 立即, 立刻, \
         这个, 那个, 这, 该, 这段, 那, 来, 出来, 先, 就, 这张, 这份, thing, really, very, absolutely, totally, \
         actually, real quick, quick, too, as well, soon, looks, looking, sounds, seems, \
         it looks, it is, that is, this is, all looks, everything is, is fine, is good, \
         is great, is okay, is enough, is perfect, will do, works, i think, i guess, \
         i believe, i would love to, we would love to, would love to, would like to, \
         i am going to, let me just, can you please, could you please, can you just, \
         could you just, please can you, do me a favor and, gorgeous, brilliant, superb, \
         incredible, terrific, ready, excellent work, nailed it, correct, good enough, cheers, \
         much appreciated, 请问, 做好, 做完, 弄好, 弄好的, 已经, 就行, 就好, 就行了, 就好了, 即可, 行了, 好极了, 挺不错, 很棒, \
         真不错, 真好, 满意了, 非常满意, 很喜欢, 我很喜欢, 喜欢, 劳驾, 拜托, 拜托了, 您好, 你好, 感谢您, 吧谢谢, 可以的, 对, 是的, 嗯嗯, 那就, \
         那么, 和, 以及, 我们现在, i wish to, i wish, want to, wish to, like to, i, you, am, going to, \
         let, no more edits, no further changes, no changes, no other changes, \
         nothing more to change, nothing more, nothing to change, nothing else to change, \
         no edits, that is a wrap, it is a wrap, we are finished, we are finished here, \
         i am finished, finished here, i think we are finished, i think we are finished here, \
         i think i am done, i am finished here, all finished, client is waiting, \
         the client is waiting, boss is waiting, my boss is waiting, they are waiting, \
         people are waiting, i am in a hurry, in a hurry, urgent, it is urgent, urgently, \
         hurry, hurry up, need it now, need it asap, deadline is close, before the meeting, \
         before lunch, this morning, please and thank you, thank you so much, thanks so much, \
         thanks in advance, dear, buddy, mate, bro, man, dude, friend, guys, folks, morning, \
         good morning, good evening, good afternoon, hiya, yo, oh, um, hmm, wow, okay then, \
         alright then, anyway, please do, go for it, do it, make it happen, yes do it, sweet, \
         neat, great stuff, good stuff, solid, impressive, stunning, exactly what i wanted, \
         just what i wanted, what i wanted, that is what i wanted, this is what i wanted, \
         that is it for now, that is it then, that will be all, that would be all, happy, \
         glad, pleased, satisfied, so happy, i am pleased, sounds great, sounds perfect, \
         sounds fine, looks fine, looks right, looks amazing, looks awesome, looks fantastic, \
         looks lovely, looks wonderful, looks really good, looks really nice, \
         looks really great, looks so good, it looks amazing, it looks awesome, \
         it looks perfect, it looks fine, everything looks fine, everything is fine, \
         everything is good, everything is perfect, everything is ready, everything is done, \
         everything is set, this is it, this is the one, this one is good, this one is great, \
         this one is perfect, this version is good, this version is great, \
         this version is perfect, this version is fine, approved by the client, \
         client approved, the client approved, client approved it, the client approved it, \
         the boss approved it, boss approved, my boss approved it, the team approved it, \
         the team approved, the client likes it, the client loves it, the client is happy, \
         my boss likes it, my boss is happy, everyone likes it, everyone loves it, \
         everybody loves it, we love it, we like it, they like it, they love it, 不改了, 不改, \
         不再改了, 不用再改了, 不用再改, 就这版, 就这版吧, 就这一版, 就用这版, 就用这个, 就这个, 就这个了, 就这个吧, 就这样了, 就这样吧, 老板催了, \
         客户催了, 在催了, 催了, 催得急, 客户在等, 客户在等了, 老板在等, 客户等着, 老板等着, 客户着急, 着急, 很急, 急, 急用, 急需, 等着用, \
         我等着用, 今天, 上午, 早上好, 下午好, 晚上好, 大家好, 哈喽, 嗨, 嘿, 喂, 亲, 老师, 哥, 姐, 朋友, 小助手, 助手, 改好了, 改完了, \
         剪好了, 剪完了, 都改好了, 没有别的了, 没别的了, 没别的要改了, 没什么要改的了, 没什么要改了, 没有要改的了, 没有要改的, 没问题了, 没毛病, 客户满意, \
         客户很满意, 客户同意了, 客户通过了, 客户确认了, 客户已确认, 老板同意了, 老板满意, 老板确认了, 老板通过了, 通过了, 通过, 审核通过了, 审核通过, \
         同意, 同意了, 定了, 定稿, 就定这版, 就定这个, 一切就绪, 就绪, 准备好了, 我准备好了, 都准备好了, 可以啦, 完事了, 完工, 收工, 大功告成, \
         真棒, 太好看了, 好看, 真好看, 很好看, 非常棒, 很完美, 太完美了, 非常完美, 效果很好, 效果不错, 效果挺好, 效果很棒, 看起来很好, 看起来很棒, \
         看起来挺好, 看上去不错, 看了一下, 我看过了, 看过了, 我看了, 挺满意, 挺满意的, 蛮好, 蛮好的, 爱了, 十分满意, 十分感谢, 非常感谢, 太感谢了, \
         谢谢你, 谢谢您, 谢啦, 谢了, 感谢感谢, 辛苦, 辛苦啦, 辛苦你了, 劳烦, 有劳, 烦请, 麻烦帮我, 请帮我, 能帮我, 可以帮我, 能不能帮我, \
         可不可以帮我, 帮我把, 帮我来, 帮我一下, 帮个忙, 求, 求求你, 赶快, 速度, 速, 尽早, 抓紧, 抓紧时间, 现在就, 这就, 请把, 请将, 我想把, \
         我要把, 想把, 要把, 能把, 可以把, 我希望, 希望, 打算, 准备, 我打算, 我准备, 咱, 咱们, 我们来, 让我们, 一起, 继续, 下一步, 最后一步, \
         然后呢, 接下来, 现在可以, 现在能, 的话, 哈, 噢, 喔, 额, 诶, 哎, 呗, 咯, 喽, 嘞, 呐, 哟, 滴, 哒, we, \
         fantastic work, amazing work, beautiful work, wonderful work, great work, \
         superb work, awesome work, amazing job, fantastic job, awesome job, excellent job, \
         lol, rn, from my side, on my side, on my end, away, thanks for all the help, \
         thanks for the help, thanks for your help, time, i am in a rush, in a rush, 我赶时间, \
         赶时间, 就这样定稿了, 就这样定稿, 这样定稿, one",
    ),
    (CREDITS | UPLOAD, Filler, "have"),
    (EXPORT | CREDITS, Filler, "available"),
    // What is done already, which is no order.
    (
        NONE,
        Filler,
        "the export is, the download is, the render is, 已经导出了, 已经导出, 已导出, 导出好了, 导出完了, 导出完成了, \
         我导出了, 下载好了, 下载完了, 下载完成了, 已经下载了, 已经下载, 已下载, 我下载了, 上传好了, 上传完了, 上传完成了, 已经上传了, 已经上传, 已上传, \
         我上传了, 传好了, 传完了",
    ),
    (
        EXPORT,
        Finished,
        "final cut, final version, final result, final video, final video file, final film, \
         final file, finished video, finished film, finished file, finished movie, \
         completed video, complete video, finished version, finished product, finished thing, \
         最终成片, 成片文件, 成片, 成品, 成品视频, 成品文件, 最终版本, 最终版, 最终视频, 最终文件, 完整视频, 做好的视频, 做好的片子, 完成的视频, \
         成品影片, 最终影片, exported file, exported video, rendered video, rendered file, \
         finished clip, done video",
    ),
    (EXPORT | STATE, Project, "project, 项目, 工程, 专案"),
    (EXPORT | UPLOAD, Format("prores"), "prores"),
    (EXPORT | UPLOAD, Format("flac"), "flac"),
    (EXPORT | UPLOAD, Format("ogg"), "ogg"),
    (EXPORT, Wish, "i want, i need, i would like, we want, we need, i could use, need, want"),
    (ALL, Wish, "我要, 我想要, 我需要, 我们要, 我们需要"),
];

/// Each phrase with what it can be a part of.
pub(super) static PHRASES: LazyLock<Vec<(Orders, Part, &str)>> = LazyLock::new(|| {
    let each = LISTS.iter().flat_map(|(orders, part, phrases)| {
        phrases.split(", ").map(move |phrase| (*orders, *part, phrase))
    });
    each.collect()
});
