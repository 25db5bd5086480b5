import { app } from 'electron'
import type { Settings, Start } from '../contract/channels'
import { viewerTexts } from '../contract/viewer-texts'
import { languageFor } from './language'

const en = {
  menu: {
    file: 'File',
    new: 'New quantization',
    demo: 'Try the demo',
    openModel: 'Open model…',
    openRun: 'Open run folder…',
    settings: 'Settings',
    quit: 'Quit',
    edit: 'Edit',
    undo: 'Undo',
    redo: 'Redo',
    cut: 'Cut',
    copy: 'Copy',
    paste: 'Paste',
    selectAll: 'Select all',
    view: 'View',
    actualSize: 'Actual size',
    zoomIn: 'Zoom in',
    zoomOut: 'Zoom out',
    fullScreen: 'Full screen',
    developerTools: 'Developer tools',
    home: 'Home',
    runs: 'Runs',
    compare: 'Compare',
    help: 'Help',
    diagnostics: 'Copy diagnostics',
    logs: 'Show log file'
  },
  /** Of the viewer's commands. */
  viewer: viewerTexts.en,
  models: 'Super-resolution models',
  pictures: 'Pictures',
  closing: {
    message: 'Work is going on.',
    detail:
      'It can go on while the window is closed: the program stays in the tray, or comes back when it is started again. ' +
      'Paused work goes on from where it is when you say so. Stopping keeps the best that training has found so far.',
    keep: 'Keep running',
    pause: 'Pause and quit',
    stop: 'Stop and quit',
    cancel: 'Cancel'
  },
  tray: { show: 'Show 2DQuant Studio', quit: 'Quit' },
  ended: { done: 'The run has finished.', failed: 'The run has failed.' }
}
type Texts = typeof en

const chinese: Texts = {
  menu: {
    file: '文件',
    new: '新建量化',
    demo: '试用演示',
    openModel: '打开模型…',
    openRun: '打开运行文件夹…',
    settings: '设置',
    quit: '退出',
    edit: '编辑',
    undo: '撤销',
    redo: '重做',
    cut: '剪切',
    copy: '复制',
    paste: '粘贴',
    selectAll: '全选',
    view: '视图',
    actualSize: '实际大小',
    zoomIn: '放大',
    zoomOut: '缩小',
    fullScreen: '全屏',
    developerTools: '开发者工具',
    home: '主页',
    runs: '运行记录',
    compare: '对比',
    help: '帮助',
    diagnostics: '复制诊断信息',
    logs: '显示日志文件'
  },
  viewer: viewerTexts['zh-CN'],
  models: '超分辨率模型',
  pictures: '图片',
  closing: {
    message: '任务正在进行。',
    detail:
      '关闭窗口后任务可以继续：程序留在托盘中，再次启动时窗口会重新出现。暂停的任务之后可以从当前位置继续。停止则保留训练至今找到的最佳结果。',
    keep: '继续运行',
    pause: '暂停并退出',
    stop: '停止并退出',
    cancel: '取消'
  },
  tray: { show: '显示 2DQuant Studio', quit: '退出' },
  ended: { done: '运行已完成。', failed: '运行失败。' }
}

/** The language to show. */
export function languageOf(settings: Settings): Start['language'] {
  return languageFor(settings, app.getPreferredSystemLanguages())
}

/** The words of menus and dialogs. */
export function textsOf(settings: Settings): Texts {
  return languageOf(settings) === 'en' ? en : chinese
}
