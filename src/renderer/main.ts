import { addCollection } from '@iconify/vue'
import ui from '@nuxt/ui/vue-plugin'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import icons from 'virtual:icons'
import App from './App.vue'
import { acceptPorts } from './engine/connection'
import { messageOf } from './format'
import { i18n } from './i18n'
import { router } from './router'
import { useStudio } from './stores/studio'
import './style.css'

addCollection(icons)
acceptPorts()
const app = createApp(App).use(createPinia()).use(router).use(i18n).use(ui)
try {
  await useStudio().begin()
  app.mount('#app')
} catch (error) {
  // Without an answer there is no page; what is wrong is all that can be shown.
  document.body.textContent = messageOf(error)
}
