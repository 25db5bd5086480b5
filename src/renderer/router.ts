import { createRouter, createWebHashHistory, type LocationQueryValue } from 'vue-router'
import HomePage from './pages/HomePage.vue'
import { draftSteps } from './wizard/draft'
import { runSteps } from './wizard/run-steps'

/**
 * Pages by their addresses; all but the first are loaded when they are shown. Files and folders stand in the query, as
 * their names may hold anything.
 */
export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/', name: 'home', component: HomePage },
    {
      path: '/run',
      name: 'run',
      component: () => import('./pages/RunPage.vue'),
      props: ({ query }) => ({
        folder: String(query['folder']),
        step: runSteps.find((step) => step === query['step']) ?? null
      })
    },
    {
      path: '/model',
      name: 'model',
      component: () => import('./pages/ModelPage.vue'),
      props: ({ query }) => ({ file: String(query['file']) })
    },
    {
      path: '/new',
      name: 'new',
      component: () => import('./pages/NewPage.vue'),
      props: ({ query }) => ({ step: draftSteps.find((step) => step === query['step']) ?? 'model' })
    },
    { path: '/runs', name: 'runs', component: () => import('./pages/RunsPage.vue') },
    {
      path: '/compare',
      name: 'compare',
      component: () => import('./pages/ComparePage.vue'),
      props: ({ query }) => ({
        run: textOf(query['run']),
        picture: textOf(query['picture']),
        pane: textOf(query['pane'])
      })
    },
    { path: '/settings', name: 'settings', component: () => import('./pages/SettingsPage.vue') },
    { path: '/:rest(.*)', redirect: '/' }
  ]
})

function textOf(value: LocationQueryValue | LocationQueryValue[] | undefined): string | null {
  return typeof value === 'string' ? value : null
}
