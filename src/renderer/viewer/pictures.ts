import { picturePortMessage } from '../../contract/names'
import { valueOf } from '../action'
import { onPort } from '../engine/window-port'
import { PictureClient } from './picture-client'

/** This window's channel to the process that reads pictures. */
export const pictures = new PictureClient(() => valueOf(window.studio.connectPictures()))

onPort(picturePortMessage, (port) => {
  pictures.connect(port)
})
