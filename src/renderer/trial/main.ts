import { addCollection } from '@iconify/vue'
import ui from '@nuxt/ui/vue-plugin'
import { createApp } from 'vue'
import icons from 'virtual:icons'
import { trialSchema } from '../../contract/trial'
import { dressPage, followDesktop } from '../appearance'
import { i18n } from '../i18n'
import '../style.css'
import TrialPage from './TrialPage.vue'

const asked = new URLSearchParams(window.location.search).get('trial')
const trial = trialSchema.parse(JSON.parse(asked ?? 'null'))
dressPage(followDesktop(), () => trial.language)
addCollection(icons)
createApp(TrialPage, { trial }).use(i18n).use(ui).mount('#app')
