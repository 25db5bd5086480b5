import { picturePortMessage } from '../../contract/names'
import { valueOf } from '../action'
import { onPort } from '../engine/window-port'
import { PictureClient } from './picture-client'

/** This window's channel to the process that reads pictures. */
export const pictures = new PictureClient(() => valueOf(window.studio.connectPictures()))

onPort(picturePortMessage, (port) => {
  pictures.connect(port)
})

/** Whether pictures can be read: they can without the engine, and a call has the process started where it is not there. */
export const areReadable = (): boolean => true
