import { createRouter, createWebHashHistory } from 'vue-router'
import HomePage from './pages/HomePage.vue'
import ModelPage from './pages/ModelPage.vue'
import RunPage from './pages/RunPage.vue'
import SettingsPage from './pages/SettingsPage.vue'

/** Pages by their addresses. Files and folders stand in the query, as their names may hold anything. */
export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/', name: 'home', component: HomePage },
    { path: '/run', name: 'run', component: RunPage, props: ({ query }) => ({ folder: String(query['folder']) }) },
    { path: '/model', name: 'model', component: ModelPage, props: ({ query }) => ({ file: String(query['file']) }) },
    { path: '/settings', name: 'settings', component: SettingsPage },
    { path: '/:rest(.*)', redirect: '/' }
  ]
})
